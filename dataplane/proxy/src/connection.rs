//! A connection that is counted: that it was made, as long as it is open, and every byte of it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::meter::Flow;

/// Where a connection counts. Of one that any of several listeners may be meant by, that is known with its first request.
#[derive(Default)]
pub(crate) struct Account {
    flow: OnceLock<Arc<Flow>>,
    /// Bytes that came before it was known.
    early: AtomicU64,
}

impl Account {
    pub(crate) fn belongs_to(&self, flow: impl FnOnce() -> Arc<Flow>) {
        if self.flow.get().is_some() {
            return;
        }
        let flow = flow();
        if self.flow.set(Arc::clone(&flow)).is_ok() {
            flow.opened();
            flow.carried(self.early.swap(0, Ordering::Relaxed));
        }
    }

    fn carried(&self, bytes: usize) {
        let bytes = bytes as u64;
        match self.flow.get() {
            Some(flow) => flow.carried(bytes),
            None => drop(self.early.fetch_add(bytes, Ordering::Relaxed)),
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(flow) = self.flow.get() {
            flow.closed();
        }
    }
}

/// Counts as open until it is dropped, whoever has it then.
pub(crate) struct Counted<S> {
    stream: S,
    account: Arc<Account>,
}

impl<S> Counted<S> {
    pub(crate) fn new(stream: S, account: Arc<Account>) -> Self {
        Self { stream, account }
    }

    pub(crate) fn of(stream: S, flow: &Arc<Flow>) -> Self {
        let account = Account::default();
        account.belongs_to(|| Arc::clone(flow));
        Self::new(stream, Arc::new(account))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.account.carried(buffer.filled().len() - before);
        polled
    }
}

impl<S: AsyncWrite + Unpin> Counted<S> {
    fn written(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &polled {
            self.account.carried(*bytes);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.written(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
