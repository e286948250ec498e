//! What people do: previews, confirmations, stops; and what must not come of it.

use app::endings::wire::Decision;

use super::*;

impl World<'_> {
    /// Keys of these slots, as the systems name them now; `beyond` = of the next case too.
    fn keys(&self, place: usize, slots: u8, beyond: bool) -> Vec<SessionKey> {
        let other = (place + 1) % self.cases.len();
        let of: &[usize] = if beyond { &[place, other] } else { &[place] };
        of.iter()
            .flat_map(|place| self.case(*place).ids.iter().enumerate())
            .filter(|(slot, _)| slots & (1 << slot) != 0)
            .map(|(slot, id)| {
                let system = SYSTEMS[slot % 3];
                self.stage.key.session_key(system, "", "web", id)
            })
            .collect()
    }

    async fn draft(&self, caller: &Caller, place: usize, pick: &Pick) -> Option<EndingId> {
        let endings = &self.stage.endings;
        let (keys, mode, query) = match pick {
            Pick::Keys { slots, beyond } => {
                let keys = self.keys(place, *slots, *beyond);
                return taken(endings.draft_of_keys(caller, &keys).await);
            }
            Pick::Some { slots, beyond } => (self.keys(place, *slots, *beyond), "some", String::new()),
            Pick::All(filter) => {
                let n = self.first + place;
                let query = match filter {
                    0 => format!("q=c{n}a"),
                    1 => format!("person=c{n}a&system=s0,s2"),
                    2 => format!("q={}", domain(n)),
                    3 => format!("q=c{n}a&site=x"),
                    _ => format!("person=c{n}a&state=live,ended,vanished"),
                };
                (Vec::new(), "all", query)
            }
        };
        let id = crate::keys::new_id();
        let mut conn = self.stage.test.db.write().await.unwrap();
        on!(conn, c => {
            sqlx::query(
                "INSERT INTO selection (selection_id, operator_id, mode, query, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, 1, 9000000000000)")
                .bind(&id).bind(caller.id.as_str()).bind(mode).bind(query).execute(&mut *c).await.unwrap();
            for key in &keys {
                sqlx::query("INSERT INTO selection_item (selection_id, session_key) VALUES ($1, $2) \
                             ON CONFLICT DO NOTHING")
                    .bind(&id).bind(key.as_str()).execute(&mut *c).await.unwrap();
            }
        });
        conn.commit().await.unwrap();
        taken(endings.draft_of_selection(caller, &id.as_str().into()).await)
    }

    /// Keeps a new preview, unless something stands in it that must not.
    async fn opened(&mut self, place: usize, by: u8, caller: Caller, ending: EndingId) -> Result<(), Broken> {
        let rows: Vec<(String, Option<String>)> = {
            let mut conn = self.stage.test.db.read().await.unwrap();
            on!(conn, c => sqlx::query_as("SELECT session_key, left_out FROM ending_item WHERE ending_id = $1")
                .bind(ending.as_str()).fetch_all(c).await.unwrap())
        };
        let now = self.stage.clock.now().0;
        let rights = &self.case(place).rights;
        let mut sign_ins = BTreeSet::new();
        for (key, left_out) in rows {
            let Some((facts, number)) = self.facts(&key) else {
                // It is gone by now; nothing can be asked of it.
                continue;
            };
            if !rights.may(by, Right::See, &facts, now) {
                return Err((place, format!("person {by} was shown {facts:?} ({left_out:?})")));
            }
            if left_out.is_some() {
                continue;
            }
            if !rights.may(by, Right::End, &facts, now) {
                return Err((
                    place,
                    format!("person {by} may not end {facts:?}, but it was frozen"),
                ));
            }
            if self.protected(&facts.account) && !rights.may(by, Right::Force, &facts, now) {
                return Err((
                    place,
                    format!("{facts:?} is protected, but person {by} had it frozen"),
                ));
            }
            sign_ins.insert(number);
        }
        self.did.drafts += 1;
        self.cases[place].drafts[usize::from(by)] = Some(Draft {
            ending,
            sign_ins,
            caller,
        });
        Ok(())
    }

    /// The operator as they are now; `None` = disabled.
    async fn caller(&self, place: usize, by: u8) -> Option<Caller> {
        let now = self.stage.clock.now();
        let id = operator(self.first + place, by);
        self.stage
            .access
            .caller_of(&id, None, Some(now), Origin::default(), now)
            .await
            .unwrap()
    }

    fn confirmed(&mut self, place: usize, by: u8, whose: u8, ending_no: i64) -> Result<(), Broken> {
        if by != whose {
            return Err((place, format!("person {by} confirmed the preview of the other")));
        }
        if self.asked.iter().all(|a| a.ending_no != ending_no)
            && let Some(draft) = &self.case(place).drafts[usize::from(whose)]
        {
            let asked = Asked {
                case: place,
                by,
                ending_no,
                sign_ins: draft.sign_ins.clone(),
                stopped: false,
            };
            self.asked.push(asked);
            self.did.confirmed += 1;
        }
        Ok(())
    }

    /// What people do.
    pub(super) async fn act(&mut self, place: usize, op: &Op) -> Result<(), Broken> {
        let endings = self.stage.endings.clone();
        let form = Confirm {
            reason: "Left the company".to_owned(),
            ..Confirm::default()
        };
        match op {
            Op::Draft { by, pick } => {
                let Some(caller) = self.caller(place, *by).await else {
                    return Ok(());
                };
                if let Some(ending) = self.draft(&caller, place, pick).await {
                    self.opened(place, *by, caller, ending).await?;
                }
            }
            Op::Include { by, own, protected } => {
                let (Some(caller), Some(draft)) = (
                    self.caller(place, *by).await,
                    &self.case(place).drafts[usize::from(*by)],
                ) else {
                    return Ok(());
                };
                let again = endings
                    .draft_again(&caller, &draft.ending, *own, *protected)
                    .await;
                if let Some(ending) = taken(again) {
                    self.opened(place, *by, caller, ending).await?;
                }
            }
            Op::Confirm { by, whose, stale } => {
                let Some(draft) = &self.case(place).drafts[usize::from(*whose)] else {
                    return Ok(());
                };
                let then = draft.caller.clone();
                let caller = match *stale && by == whose {
                    true => Some(then),
                    false => self.caller(place, *by).await,
                };
                let Some(caller) = caller else { return Ok(()) };
                if let Some(no) =
                    taken(endings.confirm(&caller, &draft.ending, form).await).and_then(Confirmed::number)
                {
                    self.confirmed(place, *by, *whose, no)?;
                }
            }
            Op::Race { whose } => {
                let Some(draft) = &self.case(place).drafts[usize::from(*whose)] else {
                    return Ok(());
                };
                let (Some(one), Some(other)) = (
                    self.caller(place, *whose).await,
                    self.caller(place, 1 - *whose).await,
                ) else {
                    return Ok(());
                };
                let (a, b, c) = tokio::join!(
                    endings.confirm(&one, &draft.ending, form.clone()),
                    endings.confirm(&other, &draft.ending, form.clone()),
                    endings.confirm(&one, &draft.ending, form.clone()),
                );
                for (by, no) in [(*whose, taken(a)), (1 - *whose, taken(b)), (*whose, taken(c))] {
                    if let Some(no) = no.and_then(Confirmed::number) {
                        self.confirmed(place, by, *whose, no)?;
                    }
                }
            }
            Op::Approve { whose } => {
                let Some(draft) = &self.case(place).drafts[usize::from(*whose)] else {
                    return Ok(());
                };
                let ada = self.stage.caller(&self.stage.ada.id).await;
                let approve = Decision::Approve { note: String::new() };
                if let Some(Some(no)) = taken(endings.decide(&ada, &draft.ending, approve).await) {
                    self.did.approved += 1;
                    self.confirmed(place, *whose, *whose, no)?;
                }
            }
            Op::Stop { by } => {
                let (Some(caller), Some(at)) = (self.caller(place, *by).await, self.newest(place)) else {
                    return Ok(());
                };
                if taken(endings.stop(&caller, self.asked[at].ending_no).await).is_some() {
                    self.asked[at].stopped = true;
                }
            }
            Op::Retry { by } => {
                let (Some(caller), Some(at)) = (self.caller(place, *by).await, self.newest(place)) else {
                    return Ok(());
                };
                let again = endings
                    .draft_of_could_not(&caller, self.asked[at].ending_no)
                    .await;
                if let Some(ending) = taken(again) {
                    self.opened(place, *by, caller, ending).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The ending of a case that was confirmed last.
    fn newest(&self, place: usize) -> Option<usize> {
        self.asked.iter().rposition(|a| a.case == place)
    }
}
