//! Writing audit lines, and what must not get lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::{AuditRecord, Command, InstanceKey};
use tracing::info;

use crate::{Engine, audit_log};

/// How often, and with which pauses, [`Engine::submit_patiently`] tries.
const PATIENT_ATTEMPTS: u32 = 60;
const PATIENT_PAUSE: Duration = Duration::from_millis(500);

static UID_COUNTER: AtomicU64 = AtomicU64::new(0);

impl Engine {
    /// Writes a line of the general audit: to the log, and to file, syslog and backend where the settings ask for them.
    /// A failing write is logged and does not fail the work at hand.
    pub async fn audit(&self, kind: &str, key: Option<&InstanceKey>, message: impl Into<String>) {
        let message = message.into();
        let cluster_name = key
            .and_then(|key| self.fleet().get(key).map(|instance| instance.cluster_name.clone()))
            .unwrap_or_default();
        info!(audit = kind, instance = key.map(tracing::field::display), message = %message, "audit");
        let settings = self.settings();
        let audit = &settings.audit;
        if !audit.backend && !audit.syslog && audit.file.is_none() {
            return;
        }
        let record = AuditRecord {
            id: 0,
            at: self.now(),
            kind: kind.to_owned(),
            key: key.cloned(),
            cluster_name,
            message,
        };
        if let Some(file) = &audit.file {
            audit_log::append(file, &record).await;
        }
        if audit.syslog {
            audit_log::send(&record).await;
        }
        if audit.backend {
            self.submit_quietly(Command::WriteAudit(record)).await;
        }
    }

    /// Submits what must not get lost, again and again while the backend fails, for half a minute. Off the critical path.
    pub(crate) async fn submit_patiently(&self, command: Command) {
        for _attempt in 0..PATIENT_ATTEMPTS {
            if self.submit_quietly(command.clone()).await.is_some() {
                return;
            }
            tokio::time::sleep(PATIENT_PAUSE).await;
        }
    }

    /// A new UID: `<unix nanoseconds>:<64 hexadecimal digits>`, unique within and across processes.
    pub(crate) fn new_uid(&self) -> String {
        let nanos = self.now().as_micros().saturating_mul(1_000);
        let count = UID_COUNTER.fetch_add(1, Ordering::Relaxed);
        // The process token is random; mixing the counter into its last digits keeps UIDs of one instant apart.
        let token = &self.node().token;
        let kept = token.get(..56).unwrap_or(token);
        format!("{nanos}:{kept:0<56}{:08x}", count & 0xffff_ffff)
    }
}
