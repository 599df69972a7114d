//! Dockerfiles with what they must come to: a corpus (`cases/`), the builder that is held against it, and Debian's
//! buildah beside it.

pub mod base;
pub mod buildah;
pub mod case;
pub mod tree;
pub mod web;
pub mod workshop;
