//! Keys of what is learnt about servers by queries and patterns, and of judging their state.

use std::time::Duration;

use crate::filters::TextFilters;
use crate::key::Literal;
use crate::key::Unit::{Minutes, Seconds};
use crate::key::group;
use crate::patterns::{AliasRules, FirstGroup};
use crate::resolve::{alias_rules, flag, grouped_pattern, optional, span, text_filters};

group! {
    /// Attributes of servers and clusters. Queries run on every poll and yield one row with one column.
    "Attributes by query and pattern" Attributes {
        /// Regular expressions for cluster names, each with an alias; the first in file order wins. Merged over files.
        100 ClusterNameToAlias => cluster_aliases: AliasRules = alias_rules();
        /// Query for the alias of the cluster; wins over `ClusterNameToAlias`.
        101 DetectClusterAliasQuery => cluster_alias_query: Option<String> = optional(),
            sample(Literal::Text("select cluster_name from meta.cluster limit 1"));
        /// Query on primaries for the domain name of the cluster.
        102 DetectClusterDomainQuery => cluster_domain_query: Option<String> = optional();
        /// Query for a name of the server to display.
        103 DetectInstanceAliasQuery => instance_alias_query: Option<String> = optional();
        /// Query for the promotion rule: `prefer`, `neutral`, `prefer_not` or `must_not`.
        104 DetectPromotionRuleQuery => promotion_rule_query: Option<String> = optional();
        /// Regular expression on the host name; its first group is the data center.
        105 DataCenterPattern => data_center_pattern: Option<FirstGroup> = grouped_pattern(),
            sample(Literal::Text("[.]([^.]+)[.][^.]+[.][^.]+$"));
        /// Regular expression on the host name; its first group is the region.
        106 RegionPattern => region_pattern: Option<FirstGroup> = grouped_pattern();
        /// Regular expression on the host name; its first group is the physical environment.
        107 PhysicalEnvironmentPattern => environment_pattern: Option<FirstGroup> = grouped_pattern();
        /// Query for the data center; wins over the pattern.
        108 DetectDataCenterQuery => data_center_query: Option<String> = optional();
        /// Query for the region; wins over the pattern.
        109 DetectRegionQuery => region_query: Option<String> = optional();
        /// Query for the physical environment; wins over the pattern.
        110 DetectPhysicalEnvironmentQuery => environment_query: Option<String> = optional();
        /// Query for the semi-sync priority of the server: 0 is asynchronous, higher is preferred.
        111 DetectSemiSyncEnforcedQuery => semi_sync_query: Option<String> = optional();
        /// Old name of `ReplicationLagQuery`.
        49 SlaveLagQuery => old_lag_query: Option<String> = optional(), deprecated("ReplicationLagQuery");
        /// Query for the replication lag in seconds, in place of what the server reports; negative counts as 0.
        50 ReplicationLagQuery => lag_query: Option<String> = optional();
    }
}

group! {
    /// Judging the state of servers.
    "Detection" Detection {
        /// Lag above which a server is a problem; also the length of several waits.
        78 ReasonableReplicationLagSeconds => reasonable_lag: Duration = span(10, Seconds).at_least(0);
        /// How far the last success may lie behind the last attempt, besides `InstancePollSeconds`, for a valid check.
        59 ReasonableInstanceCheckSeconds => reasonable_check: Duration = span(1, Seconds).unsigned();
        /// Time after which a primary that waits for semi-sync acknowledgements is reported; 0 takes
        /// `ReasonableReplicationLagSeconds`.
        199 ReasonableLockedSemiSyncMasterSeconds => reasonable_locked_semi_sync: Duration =
            span(0, Seconds).unsigned();
        /// Report only analyses that may matter.
        144 ReduceReplicationAnalysisCount => reduce_analyses: bool = flag(true);
        /// Time for which a detection is remembered and not announced again; 0 announces every time.
        145 FailureDetectionPeriodBlockMinutes => block_period: Duration = span(60, Minutes),
            sample(Literal::Integer(60));
        /// Regular expressions on the host name alone; matching servers are not analysed at all.
        148 RecoveryIgnoreHostnameFilters => ignored_hosts: TextFilters = text_filters();
        /// Act upon an unreachable primary only while at least one readable replica fails to connect to it or is
        /// connecting, so that replication stopped by hand everywhere is not taken for a death.
        205 DeadMasterNeedsConnectFailure => dead_needs_connect_failure: bool = flag(false), extension;
        /// Schema on primaries in which a row is written once per poll, so that a server that can be read but commits
        /// nothing is noticed. Schema and table are made when missing. Empty writes nothing.
        206 WriteCanarySchema => canary_schema: Option<String> = optional(), extension;
        /// Accepted, without effect.
        28 ExpectFailureAnalysisConcensus => expect_consensus: bool = flag(true), ignored;
    }
}
