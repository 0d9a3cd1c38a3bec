-- Ids are compared by their bytes (COLLATE "C"), as everywhere else, whatever the database's language.
CREATE TABLE carts (
    id TEXT COLLATE "C" PRIMARY KEY,
    owner TEXT COLLATE "C",
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Names and prices are the last known ones, in minor units.
CREATE TABLE cart_lines (
    cart_id TEXT COLLATE "C" NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
    product_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    price_amount BIGINT NOT NULL,
    price_currency TEXT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (cart_id, product_id)
);

-- The orders whose lines were taken out of a cart, so that it is done once for each.
CREATE TABLE cart_orders (
    cart_id TEXT COLLATE "C" NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
    order_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (cart_id, order_id)
);
