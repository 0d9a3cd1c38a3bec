-- Units that were sold and not put back, by which search tells what sells well.
ALTER TABLE stock ADD COLUMN sold BIGINT NOT NULL DEFAULT 0 CHECK (sold >= 0);

UPDATE stock SET sold = (
    SELECT COALESCE(SUM(reservation_lines.quantity), 0)
    FROM reservation_lines
    JOIN reservations ON reservations.order_id = reservation_lines.order_id
    WHERE reservation_lines.product_id = stock.product_id AND reservations.state = 'settled'
);
