//! Connections to the one database, its migrations, and the private cluster.

mod channel;
pub mod cluster;
mod connect;
mod migrate;

pub use channel::{Channel, ChannelError, Heart, Listening};
pub use deadpool_postgres::Pool;
pub use migrate::{MigrateError, Migrations, migrate};

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, QueueMode, RecyclingMethod, Runtime};
use rustls_platform_verifier::ConfigVerifierExt;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not one that PostgreSQL clients understand. It may hold a password: not shown.
    #[error("DATABASE_URL is not a PostgreSQL address")]
    Address(#[source] tokio_postgres::Error),
    /// A server elsewhere is spoken to with verified TLS only.
    #[error("could not set up TLS to PostgreSQL")]
    Tls(#[source] rustls::Error),
    /// The pool's own settings do not fit together.
    #[error("could not make a pool of connections")]
    Build(#[from] deadpool_postgres::BuildError),
}

/// A pool over `url` (`postgres://…` or `key=value`), of at most `size` connections.
///
/// A server on this machine (socket, loopback) is spoken to in the clear unless the address asks
/// otherwise; any other only with TLS whose certificate the platform trusts for that name.
pub fn pool(url: &str, size: usize) -> Result<Pool, ConnectError> {
    let config = tokio_postgres::Config::from_str(url).map_err(ConnectError::Address)?;
    pool_of(config, size)
}

/// A pool over a configuration that is taken apart already: the private cluster's.
pub fn pool_of(config: tokio_postgres::Config, size: usize) -> Result<Pool, ConnectError> {
    let (mut config, reach) = reach(config)?;
    config.application_name("sillage");
    let manager_config = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = match reach {
        Reach::Clear => manager(config, NoTls, manager_config),
        Reach::Tls(tls) => {
            let tls = MakeRustlsConnect::new(Arc::unwrap_or_clone(tls));
            manager(config, tls, manager_config)
        }
    };
    Ok(Pool::builder(manager)
        .max_size(size)
        // The connection that was used last: its backend has plans and catalogue at hand, where turn and
        // turn about each of them would start cold (docs/performance.md).
        .queue_mode(QueueMode::Lifo)
        .wait_timeout(Some(Duration::from_secs(10)))
        .create_timeout(Some(Duration::from_secs(10)))
        .recycle_timeout(Some(Duration::from_secs(10)))
        .runtime(Runtime::Tokio1)
        .build()?)
}

/// How a server is spoken to.
#[derive(Clone)]
enum Reach {
    /// It is on this machine.
    Clear,
    /// With TLS, verified.
    Tls(Arc<rustls::ClientConfig>),
}

/// How to reach the server of a configuration, and the configuration with our limits.
fn reach(
    mut config: tokio_postgres::Config,
) -> Result<(tokio_postgres::Config, Reach), ConnectError> {
    config.connect_timeout(Duration::from_secs(5));
    config.keepalives_idle(Duration::from_secs(30));
    let local = config.get_hosts().iter().all(is_local);
    if local && config.get_ssl_mode() != SslMode::Require {
        config.ssl_mode(SslMode::Disable);
        return Ok((config, Reach::Clear));
    }
    config.ssl_mode(SslMode::Require);
    let tls = rustls::ClientConfig::with_platform_verifier().map_err(ConnectError::Tls)?;
    Ok((config, Reach::Tls(Arc::new(tls))))
}

/// A manager whose connections are driven by the runtime that we are in now.
fn manager<T>(config: tokio_postgres::Config, tls: T, manager_config: ManagerConfig) -> Manager
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => {
            Manager::from_connect(config, connect::OnRuntime { tls, runtime }, manager_config)
        }
        Err(_) => Manager::from_config(config, tls, manager_config),
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_sockets_are_local() {
        for (host, local) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("db.example.org", false),
            ("10.0.0.7", false),
        ] {
            assert_eq!(is_local(&Host::Tcp(host.to_owned())), local, "{host}");
        }
    }

    #[test]
    fn a_bad_address_is_told_without_its_password() {
        let error = pool("postgres://sillage:hush@host:port/x", 1).expect_err("no such port");
        assert!(!error.to_string().contains("hush"));
    }
}
