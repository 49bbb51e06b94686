//! On which runtime a connection is driven.

use deadpool_postgres::{ConfigConnectImpl, Connect};
use futures::future::{BoxFuture, pending};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error, Socket};

/// Connects on the runtime where the pool was made, whoever asks for a connection.
///
/// Each thread that answers HTTP has a runtime of its own. A connection driven there would end with
/// that thread when the server stops, under the hands of whoever uses it: the committers and the
/// shipping to the lake go on for longer.
pub(super) struct OnRuntime<T> {
    pub(super) tls: T,
    pub(super) runtime: Handle,
}

impl<T> Connect for OnRuntime<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let tls = self.tls.clone();
        let config = config.clone();
        let connected = self
            .runtime
            .spawn(async move { ConfigConnectImpl { tls }.connect(&config).await });
        Box::pin(async move {
            match connected.await {
                Ok(result) => result,
                // The runtime is going down: there will be no connection, and the pool's time limit
                // says so.
                Err(_) => pending().await,
            }
        })
    }
}
