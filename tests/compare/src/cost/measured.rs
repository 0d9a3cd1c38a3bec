//! What the model takes from the experiments.

use serde::{Deserialize, Serialize};

/// A service, as it was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// CPU it spends for each request to the shop, in seconds of a core.
    pub cpu_seconds: f64,
    /// Memory it has under load, in MB.
    pub memory_mb: f64,
}

/// A function, as it was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// How often it is invoked for each request to the shop.
    pub invocations: f64,
    /// How long an invocation took here, in milliseconds.
    pub duration_ms: f64,
    /// CPU of that, in milliseconds of a core.
    pub cpu_ms: f64,
    /// How long an instance took to start here, in milliseconds.
    pub init_ms: f64,
    /// The memory it is given, in MB.
    pub memory_mb: f64,
}

/// Both architectures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The services.
    pub services: Vec<Service>,
    /// The functions.
    pub functions: Vec<Function>,
}

impl Measured {
    /// Figures of the order that a two-core machine measures: for tests, and for a look at the model before any
    /// experiment was run.
    pub fn example() -> Self {
        let service = |name: &str, cpu_ms: f64, memory_mb| Service {
            name: name.to_owned(),
            cpu_seconds: cpu_ms / 1000.0,
            memory_mb,
        };
        let function = |name: &str, invocations, duration_ms, cpu_ms| Function {
            name: name.to_owned(),
            invocations,
            duration_ms,
            cpu_ms,
            init_ms: 30.0,
            memory_mb: 512.0,
        };
        Self {
            services: vec![
                service("gateway", 0.2, 12.0),
                service("search", 0.6, 40.0),
                service("product", 0.2, 16.0),
                service("cart", 0.2, 16.0),
                service("checkout", 0.2, 18.0),
                service("storefront", 0.0, 16.0),
            ],
            functions: vec![
                function("search", 0.5, 2.0, 1.0),
                function("product", 0.3, 1.0, 0.4),
                function("cart", 0.15, 2.0, 0.6),
                function("checkout", 0.05, 12.0, 2.0),
            ],
        }
    }
}
