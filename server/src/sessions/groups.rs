//! The list in groups: how many sessions each person, system or network has among what matches.
//!
//! A group carries the query that lists it: the same filters and one more, so that a group is never more than its list
//! and counts agree by being the same condition.

use app::access::wire::Permission;
use app::error::AppError;
use app::sessions::query::filter::Network;
use app::sessions::query::{GroupBy, SessionQuery};
use app::sessions::wire::{Group, GroupsPage};
use app::wire::{SystemId, Timestamp};
use sea_query::{Alias, Condition, Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::Sessions;
use super::filter::{View, column};
use crate::caller::Caller;
use crate::error::Error;

/// Most groups of a page.
const MOST: usize = 200;
/// Hex digits of `ip_sort` that every IPv4 address begins with.
const V4: &str = "00000000000000000000ffff";

#[derive(Debug, sqlx::FromRow)]
struct Line {
    value: String,
    name: Option<String>,
    sessions: i64,
    others: i64,
    last_active_at: Option<i64>,
}

impl Sessions {
    pub(super) async fn groups(
        &self,
        caller: &Caller,
        query: &SessionQuery,
        by: GroupBy,
    ) -> Result<GroupsPage, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let view = View::of(caller, now);
        // A group by hidden facts would tell them.
        if by == GroupBy::Network && !view.whole_network() {
            let label = Permission::SeeNetworkData.label();
            let message = format!("Grouping by network needs the permission “{label}”. Nothing is listed.");
            return Err(AppError::invalid("group", &message).into());
        }
        let mut conn = self.db.read().await?;
        let filter = view.ask(&mut conn, query).await?;
        let mut lines: Vec<Line> = conn.fetch_all(&lines_of(by, filter.condition())).await?;
        let more = lines.len() > MOST;
        lines.truncate(MOST);
        let names = self.systems.names(&mut conn).await?;
        let list = SessionQuery {
            group: None,
            ..query.first_page()
        };
        let groups = lines.into_iter().map(|line| {
            let (label, query) = match by {
                GroupBy::Person if line.value.is_empty() => ("not reported".to_owned(), None),
                GroupBy::Person => {
                    let of = SessionQuery {
                        account: Some(line.value.clone()),
                        ..list.clone()
                    };
                    let name = line.name.filter(|name| !name.is_empty());
                    (name.unwrap_or_else(|| line.value.clone()), Some(of))
                }
                GroupBy::System => {
                    let id = SystemId(line.value.clone());
                    let name = names.get(&id).cloned().unwrap_or_else(|| id.0.clone());
                    (name, list.only("system", id.as_str()))
                }
                GroupBy::Network => match network(&line.value) {
                    None => ("not reported".to_owned(), None),
                    Some(network) => {
                        let of = SessionQuery {
                            ip: within(&list.ip, network),
                            ..list.clone()
                        };
                        (network.to_string(), Some(of).filter(|of| !of.ip.is_empty()))
                    }
                },
            };
            Group {
                label,
                detail: if by == GroupBy::Person {
                    line.value
                } else {
                    String::new()
                },
                sessions: line.sessions.unsigned_abs(),
                others: line.others.unsigned_abs(),
                last_active_at: line.last_active_at.map(Timestamp),
                query: query.map(|query| query.to_query_string()),
            }
        });
        Ok(GroupsPage {
            by,
            groups: groups.collect(),
            more,
        })
    }
}

/// The groups of what matches, the largest first.
fn lines_of(by: GroupBy, condition: Condition) -> SelectStatement {
    let (value, others): (Expr, &'static str) = match by {
        GroupBy::Person => (column("account_sort"), "system_id"),
        GroupBy::System => (column("system_id"), "account_sort"),
        GroupBy::Network => (
            Expr::case(column("ip_sort").like(format!("{V4}%")), start_of_ip(30))
                .finally(start_of_ip(16))
                .into(),
            "account_sort",
        ),
    };
    let inner = Query::select()
        .expr_as(value, Alias::new("value"))
        .columns(
            ["display_name", others, "last_active_at"].map(|name| (Alias::new("session"), Alias::new(name))),
        )
        .from(Alias::new("session"))
        .cond_where(condition)
        .take();
    let of = |name: &'static str| Expr::col((Alias::new("matches"), Alias::new(name)));
    Query::select()
        .column((Alias::new("matches"), Alias::new("value")))
        .expr_as(Func::max(of("display_name")), Alias::new("name"))
        .expr_as(Expr::cust("COUNT(*)"), Alias::new("sessions"))
        .expr_as(Func::count_distinct(of(others)), Alias::new("others"))
        .expr_as(Func::max(of("last_active_at")), Alias::new("last_active_at"))
        .from_subquery(inner, Alias::new("matches"))
        .group_by_col((Alias::new("matches"), Alias::new("value")))
        .order_by_expr(Expr::cust("COUNT(*)"), Order::Desc)
        .order_by((Alias::new("matches"), Alias::new("value")), Order::Asc)
        .limit(MOST as u64 + 1)
        .take()
}

fn start_of_ip(digits: i32) -> Expr {
    Func::cust("substr")
        .arg(column("ip_sort"))
        .arg(1)
        .arg(digits)
        .into()
}

/// The /24 or /64 of the first hex digits of `ip_sort`; `None` = not reported.
fn network(start: &str) -> Option<Network> {
    let value = u128::from_str_radix(&format!("{start:0<32}"), 16).ok()?;
    let v6 = std::net::Ipv6Addr::from(value);
    Some(match (start.len(), v6.to_ipv4_mapped()) {
        (30, Some(v4)) => Network {
            address: v4.into(),
            prefix: 24,
        },
        _ => Network {
            address: v6.into(),
            prefix: 64,
        },
    })
}

/// What of a network the filter lets through: the narrower of the two, so that a group never adds anything.
fn within(asked: &[Network], network: Network) -> Vec<Network> {
    if asked.is_empty() {
        return vec![network];
    }
    let (from, to) = network.sort_range();
    let mut all = Vec::new();
    for one in asked {
        let (first, last) = one.sort_range();
        if first <= from && to <= last {
            return vec![network];
        }
        if from <= first && last <= to {
            all.push(*one);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_told_from_the_digits_it_begins_with() {
        for (address, is) in [
            ("10.1.2.3", "10.1.2.0/24"),
            ("0.0.0.0", "0.0.0.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ] {
            let (sort, _) = Network::parse(address).unwrap().sort_range();
            let digits = if sort.starts_with(V4) { 30 } else { 16 };
            assert_eq!(network(&sort[..digits]).unwrap().to_string(), is);
        }
        assert_eq!(network("~"), None);
    }

    #[test]
    fn a_group_never_widens_the_filter() {
        let of = |texts: &str| Network::parse_list(texts).unwrap();
        let group = Network::parse("10.1.2.0/24").unwrap();
        assert_eq!(within(&[], group), [group]);
        assert_eq!(within(&of("10.0.0.0/8"), group), [group]);
        assert_eq!(within(&of("10.1.2.7,10.9.9.9"), group), of("10.1.2.7"));
        assert_eq!(within(&of("192.168.0.0/16"), group), []);
    }
}
