-- The index is made anew: words now stand in it in Unicode form NFC, as in a query (search-words.ts).
truncate search_documents, search_progress;
