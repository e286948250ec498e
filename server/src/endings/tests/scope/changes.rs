//! What happens around people: grants, groups, the protected list, and the systems themselves.

use super::*;

fn scope_of(case: usize, give: &Give) -> Scope {
    use app::access::wire::{People, Places, ScopeSite, ThesePeople};
    let places = match give.place {
        Where::Everywhere => Places::Everywhere,
        Where::System(n) => Places::Systems(vec![SYSTEMS[usize::from(n)].into()]),
        Where::Site(n, site) => Places::Sites(vec![ScopeSite {
            system_id: SYSTEMS[usize::from(n)].into(),
            site: SITES[usize::from(site)].to_owned(),
        }]),
    };
    let mut these = ThesePeople::default();
    match give.who {
        Who::Everybody => {}
        Who::Account(n) => these.accounts = vec![account(case, n)],
        Who::Domain => these.domains = vec![domain(case)],
        Who::Group => these.groups = vec![group(case).as_str().into()],
    }
    let people = match give.who {
        Who::Everybody => People::Everybody,
        _ => People::These(these),
    };
    Scope { places, people }
}

impl World<'_> {
    pub(super) async fn give(&mut self, conn: &mut Conn, place: usize, give: &Give, now: Timestamp) {
        let rights = &mut self.cases[place].rights;
        let n = rights.case;
        let held = Held {
            grant_id: crate::keys::new_id(),
            give: give.clone(),
            ends_at: give.ends_in.map(|s| now.plus_seconds(s).0),
        };
        let scope = serde_json::to_string(&scope_of(n, give)).unwrap();
        on!(conn, c => { sqlx::query(
            "INSERT INTO role_grant (grant_id, caller_kind, caller_id, role_id, scope, reason, granted_at, expires_at) \
             VALUES ($1, 'operator', $2, $3, $4, 'test', $5, $6)")
            .bind(&held.grant_id).bind(operator(n, give.to).as_str())
            .bind(ROLES[usize::from(give.role)].0).bind(&scope).bind(now.0).bind(held.ends_at)
            .execute(c).await.unwrap(); });
        rights.held[usize::from(give.to)].push(held);
    }

    /// Changes what people may, and what the systems hold. False = it is something people do.
    pub(super) async fn change(&mut self, conn: &mut Conn, place: usize, op: &Op, now: Timestamp) -> bool {
        let n = self.first + place;
        match op {
            Op::Give(give) => self.give(conn, place, give, now).await,
            Op::Revoke { of, which } => {
                let held = &mut self.cases[place].rights.held[usize::from(*of)];
                if held.is_empty() {
                    return true;
                }
                let gone = held.remove(usize::from(*which) % held.len());
                on!(conn, c => { sqlx::query("UPDATE role_grant SET revoked_at = $2 WHERE grant_id = $1")
                    .bind(gone.grant_id).bind(now.0).execute(c).await.unwrap(); });
            }
            Op::Disable(by) | Op::Enable(by) => {
                let off = matches!(op, Op::Disable(_));
                self.cases[place].rights.disabled[usize::from(*by)] = off;
                on!(conn, c => { sqlx::query("UPDATE operator SET disabled_at = $2 WHERE operator_id = $1")
                    .bind(operator(n, *by).as_str()).bind(off.then_some(now.0)).execute(c).await.unwrap(); });
            }
            Op::Join(who) => {
                if self.cases[place].rights.group.insert(*who) {
                    on!(conn, c => { sqlx::query("INSERT INTO subject_group_member (group_id, account) VALUES ($1, $2)")
                        .bind(group(n)).bind(account(n, *who)).execute(c).await.unwrap(); });
                }
            }
            Op::Leave(who) => {
                self.cases[place].rights.group.remove(who);
                on!(conn, c => { sqlx::query("DELETE FROM subject_group_member WHERE group_id = $1 AND account = $2")
                    .bind(group(n)).bind(account(n, *who)).execute(c).await.unwrap(); });
            }
            Op::Protect(who) => {
                let (kind, name) = match who {
                    Who::Everybody => return true,
                    Who::Account(a) => ("account", account(n, *a)),
                    Who::Domain => ("domain", domain(n)),
                    Who::Group => ("group", group(n)),
                };
                if self.cases[place].rights.protected.insert(*who) {
                    on!(conn, c => { sqlx::query(
                        "INSERT INTO protected_subject (protected_id, who, kind, reason, added_at) \
                         VALUES ($1, $2, $3, 'test', $4)")
                        .bind(format!("c{n} {}", crate::keys::new_id())).bind(name).bind(kind).bind(now.0)
                        .execute(c).await.unwrap(); });
                }
            }
            Op::Unprotect => {
                self.cases[place].rights.protected.clear();
                let theirs = format!("c{n} %");
                on!(conn, c => { sqlx::query("UPDATE protected_subject SET removed_at = $2 WHERE protected_id LIKE $1")
                    .bind(theirs).bind(now.0).execute(c).await.unwrap(); });
            }
            Op::Rotate { slot, late } => {
                let from = self.case(place).ids[usize::from(*slot)].clone();
                let to = format!("{from}r");
                self.yards[usize::from(system_of(*slot))].turn(Turn::Rotate { from, to: to.clone() }, *late);
                self.cases[place].ids[usize::from(*slot)] = to;
            }
            Op::Replace {
                slot,
                account: who,
                late,
            } => {
                let id = self.case(place).ids[usize::from(*slot)].clone();
                let by = self.next_sign_in(account(n, *who), SITES[usize::from(*slot / 3)], *slot);
                self.yards[usize::from(system_of(*slot))].turn(Turn::Replace { id, by }, *late);
            }
            Op::Close { slot, late } => {
                let id = self.case(place).ids[usize::from(*slot)].clone();
                self.yards[usize::from(system_of(*slot))].turn(Turn::Close { id }, *late);
            }
            _ => return false,
        }
        true
    }
}
