//! Making load balancers stand, and telling the proxy what to serve.

mod balancers;
mod routes;

pub use balancers::Balancers;
pub use routes::Routes;
