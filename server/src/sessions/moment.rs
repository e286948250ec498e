//! The list at a moment that is over: who was on then, from what was seen, and what of it is not known.
//!
//! A session was on when it had started (or was first met) by then and was not found gone by then. What a reading says of
//! it is of now or of its last reading, so filters over activity and limits can't be asked at a moment; and nothing of
//! such a list can be selected or ended.

use app::access::wire::Permission;
use app::error::{AppError, FieldProblem};
use app::sessions::query::SessionQuery;
use app::sessions::wire::Known;
use app::wire::Timestamp;
use sea_query::{Alias, Cond, Condition, ExprTrait, Func, Order, Query};

use super::Sessions;
use super::filter::{View, column};
use super::list::count_up_to;
use crate::caller::Caller;
use crate::error::Error;

/// Sessions that were on at that moment, as far as was seen.
pub fn on_at(at: Timestamp) -> Condition {
    let begun = Func::coalesce([column("created_at"), column("first_seen_at")]);
    Cond::all().add(sea_query::Expr::from(begun).lte(at.0)).add(
        Cond::any()
            .add(column("gone_at").is_null())
            .add(column("gone_at").gt(at.0)),
    )
}

/// What of a query can't be asked of a moment that is over.
pub fn problems(query: &SessionQuery, now: Timestamp) -> Vec<FieldProblem> {
    let Some(at) = query.at else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let mut bad = |field: &str, message: &str| {
        problems.push(FieldProblem {
            field: field.to_owned(),
            message: message.to_owned(),
        })
    };
    if at > now {
        bad("at", "This moment is still to come. Nothing is known of it.");
    }
    for (asked, field, what) in [
        (!query.states.is_empty(), "state", "Who was on is asked already"),
        (
            query.last_activity.is_some(),
            "active",
            "Activity is known as last read only",
        ),
        (
            query.idle_ends.is_some(),
            "idle_ends",
            "Idle ends are known as last read only",
        ),
        (query.over, "over", "Limits are known as last read only"),
        (query.past.is_some(), "past", "Limits are known as last read only"),
        (
            query.earlier,
            "earlier",
            "Which policy is the earlier one is known of now only",
        ),
    ] {
        if asked {
            bad(field, &format!("{what}: take off this filter, or “as of”."));
        }
    }
    problems
}

impl Sessions {
    pub(super) async fn known(&self, caller: &Caller, at: Timestamp) -> Result<Known, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let visible = View::of(caller, now).condition();
        let mut conn = self.db.read().await?;
        let mut known = Known::default();
        for brief in self.systems.briefs(&mut conn, caller).await? {
            let met = Cond::all()
                .add(column("system_id").eq(brief.system_id.0.clone()))
                .add(column("first_seen_at").lte(at.0))
                .add(visible.clone());
            if count_up_to(&mut conn, met, Some(1)).await? == 0 {
                known.not_met.push(brief.name.clone());
            }
            if let Some(read_at) = brief.read_at.filter(|read_at| *read_at < at) {
                known.behind.push((brief.name, read_at));
            }
        }
        let oldest = Query::select()
            .column((Alias::new("session"), Alias::new("gone_at")))
            .from(Alias::new("session"))
            .cond_where(visible)
            .and_where(column("gone_at").is_not_null())
            .order_by((Alias::new("session"), Alias::new("gone_at")), Order::Asc)
            .limit(1)
            .take();
        let oldest: Vec<(i64,)> = conn.fetch_all(&oldest).await?;
        known.oldest_end = oldest.first().map(|(at,)| Timestamp(*at));
        Ok(known)
    }
}

/// A list of the past selects nothing: what is on now may be others.
pub fn refuse(query: &SessionQuery) -> Result<(), AppError> {
    match query.at {
        None => Ok(()),
        Some(_) => Err(AppError::invalid(
            "at",
            "A list of the past can't be selected or ended. Take off “as of” first.",
        )),
    }
}
