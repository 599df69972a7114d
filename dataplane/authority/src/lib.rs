//! A certificate authority of this machine's own.
