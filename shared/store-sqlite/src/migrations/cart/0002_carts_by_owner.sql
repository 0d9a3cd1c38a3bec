-- A user's cart is found from whatever device they sign in on.
CREATE INDEX carts_by_owner ON carts (owner, updated_at);
