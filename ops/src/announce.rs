//! What `sillage up` tells once the service is ready.

use std::path::Path;

use crate::admin::{self, Admin};
use crate::output;

/// What is told once the service is ready.
pub(crate) struct Ready<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) data: &'a Path,
    pub(crate) cluster: Option<&'a Path>,
    pub(crate) fresh: Option<&'a Admin>,
}

impl Ready<'_> {
    /// Writes it, for people or as one JSON object.
    pub(crate) fn announce(&self, as_json: bool) -> std::io::Result<()> {
        let data = self.data.canonicalize();
        let data = data.as_deref().unwrap_or(self.data);
        if as_json {
            return output::json(&serde_json::json!({
                "status": "ready",
                "endpoint": self.endpoint,
                "data": data,
                "cluster": self.cluster,
                "administrator": self.fresh,
            }));
        }
        let endpoint = self.endpoint;
        let mut text = format!(
            "Sillage {} is ready: {endpoint}\n  xAPI        {endpoint}/xapi\n  REST        {endpoint}/api/v1 (described at {endpoint}/api)\n  health      {endpoint}/health/ready\n  data        {}\n",
            env!("CARGO_PKG_VERSION"),
            data.display(),
        );
        if let Some(cluster) = self.cluster {
            text += &format!("  PostgreSQL  {}\n", cluster.display());
        }
        if let Some(admin) = self.fresh {
            text += &format!(
                "Administrator's credential, shown this once and kept in {}:\n  key         {}\n  secret      {}\n",
                admin::file(data).display(),
                admin.key,
                admin.secret
            );
        }
        output::lines(&text)
    }
}
