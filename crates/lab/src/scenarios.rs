//! Tests that are the same on both families of servers.

/// Makes a test per family of each `module::scenario` of the test crate, an `async fn(Family) -> anyhow::Result<()>`:
/// `mysql::scenario` and `mariadb::scenario`. To be called in the root of the test crate.
#[macro_export]
macro_rules! on_both_families {
    ($($file:ident::$scenario:ident),+ $(,)?) => {
        mod mysql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() -> anyhow::Result<()> {
                super::$file::$scenario($crate::Family::MySql).await
            })+
        }
        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() -> anyhow::Result<()> {
                super::$file::$scenario($crate::Family::MariaDb).await
            })+
        }
    };
}
