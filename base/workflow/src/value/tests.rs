//! Numbers as texts, and order.
