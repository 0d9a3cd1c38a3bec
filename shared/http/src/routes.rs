//! Routes, and what the `OpenAPI` document says of them, from one list of handlers.

/// Makes two functions of handlers with `#[utoipa::path]`, those of one path in brackets: the first answers them, the second also
/// describes them. Describing takes more than all else a function does when it starts, so only the document asks for it.
macro_rules! routes {
    ($answer:ident, $describe:ident -> $state:ty { $([$first:ident $(, $more:ident)*])+ }) => {
        fn $answer() -> axum::Router<$state> {
            use utoipa::Path as _;
            axum::Router::new()$(.route(
                &pastey::paste!([<__path_ $first>]::path()),
                $crate::routes::method_router!($first $(, $more)*),
            ))+
        }

        pub(crate) fn $describe() -> utoipa_axum::router::OpenApiRouter<$state> {
            utoipa_axum::router::OpenApiRouter::default()
                $(.routes(utoipa_axum::routes!($first $(, $more)*)))+
        }
    };
}

/// The handlers of one path, each for its methods.
macro_rules! method_router {
    ($($handler:ident),+) => {{
        use utoipa_axum::PathItemExt as _;
        let router = axum::routing::MethodRouter::new();
        $(
            let methods = pastey::paste!([<__path_ $handler>]::methods());
            let router = methods.iter().fold(router, |router, method| {
                router.on(method.to_method_filter(), $handler)
            });
        )+
        router
    }};
}

pub(crate) use {method_router, routes};
