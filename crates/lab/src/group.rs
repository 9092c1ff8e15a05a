//! A group of MySQL servers (Group Replication, single primary), formed of servers of a lab that have no data of their
//! own yet.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::credentials::REPLICATION;
use crate::ports::PortLease;
use crate::server::Server;
use crate::wait::wait_until;

/// Any UUID will do: each lab has its own network addresses.
const NAME: &str = "6d796772-6f75-4000-8000-000000000001";
/// A member may have no transaction that the group lacks.
const FORGET_GTIDS: &str = "RESET BINARY LOGS AND GTIDS";
/// How long a member may take to be online.
const PATIENCE: Duration = Duration::from_secs(60);

/// A group. Its ports of communication are reserved until this is dropped.
#[derive(Debug)]
pub struct Group {
    _ports: Vec<PortLease>,
}

impl Group {
    /// Makes the servers members of one group; the first is its primary. They must replicate from nobody; they forget the
    /// GTIDs of the statements that made them alike.
    ///
    /// # Errors
    /// There is no server, one is no MySQL with the plugin, or they do not find each other in time.
    pub async fn form(members: &[&Server]) -> Result<Self> {
        let ports = members.iter().map(|_| PortLease::take()).collect::<Result<Vec<_>>>()?;
        let seeds: Vec<String> = ports.iter().map(|lease| format!("127.0.0.1:{}", lease.port())).collect();
        for (member, address) in members.iter().zip(&seeds) {
            member.execute_all(statements(address, &seeds.join(","))).await?;
        }
        let (first, others) = members.split_first().context("a group needs a member")?;
        first.execute("SET GLOBAL group_replication_bootstrap_group=ON").await?;
        first.execute("START GROUP_REPLICATION").await?;
        first.execute("SET GLOBAL group_replication_bootstrap_group=OFF").await?;
        for member in others {
            member.execute("START GROUP_REPLICATION").await?;
        }
        wait_until("all members are online", PATIENCE, || async {
            let online = online(first).await?;
            if online == members.len() { Ok(()) } else { bail!("{online} of {}", members.len()) }
        })
        .await?;
        Ok(Self { _ports: ports })
    }

    /// Makes a server outside the group the replica of a member.
    ///
    /// # Errors
    /// It refuses.
    pub async fn attach(&self, replica: &Server, member: &Server) -> Result<()> {
        replica.execute(FORGET_GTIDS).await?;
        replica.follow(member.port()).await
    }
}

fn statements(address: &str, seeds: &str) -> Vec<String> {
    vec![
        FORGET_GTIDS.to_owned(),
        "INSTALL PLUGIN group_replication SONAME 'group_replication.so'".to_owned(),
        format!("SET GLOBAL group_replication_group_name='{NAME}'"),
        format!("SET GLOBAL group_replication_local_address='{address}'"),
        format!("SET GLOBAL group_replication_group_seeds='{seeds}'"),
        "SET GLOBAL group_replication_recovery_get_public_key=ON".to_owned(),
        // A member that is silent is expelled after five seconds, and not after ten.
        "SET GLOBAL group_replication_member_expel_timeout=0".to_owned(),
        format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_USER='{}', SOURCE_PASSWORD='{}' \
             FOR CHANNEL 'group_replication_recovery'",
            REPLICATION.name, REPLICATION.password
        ),
    ]
}

/// Members that are online, as this one sees it.
async fn online(member: &Server) -> Result<usize> {
    let count = member
        .value(
            "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE member_state='ONLINE'",
        )
        .await?;
    Ok(count.parse()?)
}
