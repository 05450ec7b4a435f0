-- The index is made anew: İ and the two small forms of Σ now stand in it as they do in a query (search-words.ts).
truncate search_documents, search_progress;
