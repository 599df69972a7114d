//! The console: one place where a person sees the system.
//!
//! Pages are made here and sent as HTML; an open page is told over server-sent events which of its parts have changed
//! ([`live`]). Everything a page needs is in the program: one style sheet, one script, drawings as SVG. What it shows
//! comes from the AWS APIs ([`source`]), as for any other client, and from the few ports in [`port`].
//!
//! A request's way: who may come in ([`gate`]) → which page ([`view`]) → what is so ([`read`]) → HTML ([`page`]).

mod action;
mod asset;
mod drawing;
mod form;
mod gate;
mod live;
mod page;
mod picture;
mod plot;
mod port;
mod read;
mod route;
mod source;
mod text;
mod view;
mod wait;

pub use gate::Password;
pub use port::{Job, LogLine, Pipelines, Run, State, Step};
pub use route::{Parts, router};
pub use source::Source;

#[cfg(test)]
mod tests;
