-- The index is made anew: words are now parted by all punctuation (search-words.ts).
truncate search_documents, search_progress;
