//! What the generator may name: all that `tests/corpus/base.sql` and `more.sql` make.

pub const TYPES: [&str; 21] = [
    "integer",
    "bigint",
    "smallint",
    "text",
    "varchar(20)",
    "varchar(255)",
    "char(3)",
    "numeric(10,2)",
    "numeric",
    "numeric(6,1)",
    "boolean",
    "timestamptz",
    "timestamp",
    "date",
    "jsonb",
    "json",
    "uuid",
    "order_status",
    "text[]",
    "real",
    "double precision",
];

pub const CONSTRAINTS: [(&str, &str); 11] = [
    ("users", "users_email_key"),
    ("users", "users_age_check"),
    ("users", "users_pkey"),
    ("orders", "orders_user_id_fkey"),
    ("orders", "orders_total_check"),
    ("orders", "orders_pkey"),
    ("billing.invoices", "invoices_order_id_fkey"),
    ("billing.invoices", "invoices_amount_check"),
    ("products", "products_parent_fkey"),
    ("invites", "invites_pkey"),
    ("events", "events_pkey"),
];

pub const INDEXES: [&str; 7] = [
    "orders_user_id_idx",
    "orders_reference_idx",
    "users_lower_email_idx",
    "users_email_key",
    "users_pkey",
    "order_totals_user_id_idx",
    "events_2024_pkey",
];

pub const SCHEMA: [(&str, &[(&str, &str)]); 12] = [
    (
        "users",
        &[
            ("id", "integer"),
            ("email", "text"),
            ("name", "varchar(100)"),
            ("phone", "text"),
            ("nickname", "text"),
            ("age", "integer"),
            ("country", "varchar(2)"),
            ("created_at", "timestamptz"),
        ],
    ),
    (
        "orders",
        &[
            ("id", "integer"),
            ("user_id", "integer"),
            ("status", "order_status"),
            ("total", "numeric(10,2)"),
            ("reference", "varchar(40)"),
            ("note", "text"),
            ("placed_at", "timestamp"),
        ],
    ),
    ("sessions", &[("token", "text"), ("user_id", "integer"), ("payload", "json"), ("expires_at", "timestamp")]),
    (
        "invites",
        &[
            ("id", "integer"),
            ("email", "varchar(100)"),
            ("code", "text"),
            ("role", "text"),
            ("invited_by", "integer"),
            ("weight", "numeric(8,2)"),
            ("accepted_at", "timestamp"),
        ],
    ),
    ("empty_table", &[("id", "integer"), ("name", "text"), ("amount", "integer"), ("created_at", "timestamp")]),
    (
        "billing.invoices",
        &[
            ("id", "bigint"),
            ("order_id", "integer"),
            ("amount", "numeric(12,2)"),
            ("state", "varchar(20)"),
            ("issued", "date"),
            ("meta", "jsonb"),
        ],
    ),
    ("\"Audit Log\"", &[("id", "bigint"), ("userId", "integer"), ("Action", "text"), ("at", "timestamptz")]),
    ("events", &[("id", "bigint"), ("at", "date"), ("kind", "text")]),
    (
        "products",
        &[
            ("id", "uuid"),
            ("sku", "text"),
            ("price", "positive"),
            ("stock", "integer"),
            ("tags", "text[]"),
            ("doubled", "integer"),
            ("parent", "uuid"),
        ],
    ),
    ("events_old", &[("id", "bigint"), ("at", "date"), ("kind", "text")]),
    ("events_2024", &[("id", "bigint"), ("at", "date"), ("kind", "text")]),
    ("orders", &[("id", "integer"), ("user_id", "integer"), ("total", "numeric(10,2)"), ("note", "text")]),
];
