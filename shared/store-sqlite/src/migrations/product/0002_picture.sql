-- Which picture the images show. Ids sort by time, so that a picture never replaces a newer one.
ALTER TABLE products ADD COLUMN picture TEXT;
