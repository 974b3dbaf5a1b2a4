//! Stories of single renewals; `search` goes through every answer that each effect can be given.

mod search;

use std::time::Duration;

use super::*;
use crate::RefreshSeen;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
const USED: Why = Why::Refused401 { used: Generation(3) };

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW.as_second() - seconds).unwrap()
}

fn facts() -> GrantFacts {
    GrantFacts {
        state: GrantState::Active,
        generation: Generation(3),
        issued_at: ago(3_600),
        refreshable: true,
        leased_until: None,
        refreshes: Vec::new(),
    }
}

fn seen(epoch: u64, seconds_ago: i64, outcome: Option<&str>) -> RefreshSeen {
    RefreshSeen {
        epoch,
        generation: Generation(3),
        started_at: ago(seconds_ago),
        outcome: outcome.map(str::to_owned),
    }
}

fn grant(facts: GrantFacts) -> Input {
    Input::Grant(Some(facts))
}

/// The effects that follow these inputs, one each. Time stands still.
fn told(why: Why, inputs: Vec<Input>) -> Vec<Effect> {
    let mut renewal = Renewal::new(why);
    std::iter::once(Input::Begin).chain(inputs).map(|input| renewal.step(NOW, input)).collect()
}

/// How it goes on after these inputs.
fn then(why: Why, inputs: Vec<Input>) -> Effect {
    *told(why, inputs).last().expect("it begins")
}

const ACTIVE: Input = Input::Introspected(Introspected::Active);
const INACTIVE: Input = Input::Introspected(Introspected::Inactive);
const UNCLEAR: Input = Input::Introspected(Introspected::Unclear);
const GO: Input = Input::Breaker(Ok(()));
const TAKEN: Input = Input::Lease(LeaseReply::Taken(7));
const DONE: Input = Input::Written(Written::Done);
const REFUSED_TOKEN: Input = Input::Replied(RefreshReply::InvalidGrant);
const LOST: Input = Input::Replied(RefreshReply::Ambiguous);

/// Up to the moment at which the refresh token is sent.
fn sent(more: Vec<Input>) -> Vec<Input> {
    [vec![grant(facts()), INACTIVE, GO, TAKEN], more].concat()
}

#[test]
fn a_refused_call_asks_takes_the_lease_sends_once_and_commits() {
    let issued = Input::Replied(RefreshReply::Issued { same_bot: true });
    assert_eq!(
        told(USED, sent(vec![issued, DONE, Input::Released])),
        [
            Effect::Read,
            Effect::Introspect,
            Effect::AskBreaker { confirmed: true },
            Effect::TakeLease { expires_at: after(NOW, LEASE_LIFE) },
            Effect::Send,
            Effect::Commit,
            Effect::Release { word: "issued" },
            Effect::Done(Outcome::Renewed),
        ]
    );
}

#[test]
fn a_401_on_an_older_generation_is_replayed_and_never_refreshed() {
    let newer = GrantFacts { generation: Generation(4), ..facts() };
    assert_eq!(then(USED, vec![grant(newer)]), Effect::Done(Outcome::Renewed));
}

#[test]
fn a_grant_that_has_ended_or_is_not_there_is_left_alone() {
    let ended = |state| then(USED, vec![grant(GrantFacts { state, ..facts() })]);
    assert_eq!(ended(GrantState::Tombstone), Effect::Done(Outcome::Disconnected));
    assert_eq!(ended(GrantState::ReconnectNeeded), Effect::Done(Outcome::ReconnectNeeded));
    assert_eq!(then(USED, vec![Input::Grant(None)]), Effect::Done(Outcome::Disconnected));
}

#[test]
fn a_token_that_notion_calls_active_is_not_refreshed() {
    assert_eq!(then(USED, vec![grant(facts()), ACTIVE]), Effect::Done(Outcome::Good));
}

#[test]
fn a_brand_new_token_that_is_refused_is_tried_again_before_anything_is_spent() {
    let new = GrantFacts { issued_at: ago(9), ..facts() };
    let known = GrantFacts { issued_at: ago(10), ..facts() };
    assert_eq!(then(USED, vec![grant(known), ACTIVE]), Effect::Done(Outcome::Good));
    assert_eq!(then(USED, vec![grant(new.clone()), ACTIVE]), Effect::Done(Outcome::TryAgain));
    let asked = vec![grant(new), INACTIVE];
    assert_eq!(then(USED, asked.clone()), Effect::Wait { until: after(NOW, PAUSE) });
    let twice = [asked, vec![Input::Woke, INACTIVE]].concat();
    assert_eq!(then(USED, twice), Effect::AskBreaker { confirmed: true }, "Notion said it twice");
}

#[test]
fn an_introspection_that_tells_nothing_is_repeated_after_a_pause_and_then_the_breaker_decides() {
    let once = vec![grant(facts()), UNCLEAR];
    assert_eq!(then(USED, once.clone()), Effect::Wait { until: after(NOW, PAUSE) });
    let twice = [once.clone(), vec![Input::Woke, UNCLEAR]].concat();
    assert_eq!(then(USED, twice.clone()), Effect::AskBreaker { confirmed: false });
    let held = [twice, vec![Input::Breaker(Err(Duration::from_secs(9)))]].concat();
    assert_eq!(then(USED, held), Effect::Done(Outcome::Later(Duration::from_secs(9))));
    let degraded = GrantFacts { state: GrantState::Degraded, ..facts() };
    let nothing_to_try = vec![grant(degraded), UNCLEAR, Input::Woke, UNCLEAR];
    assert_eq!(then(USED, nothing_to_try), Effect::Done(Outcome::Good));
}

/// Two throttled introspections in a row once led to a refresh, though Notion had said nothing of the token.
#[test]
fn a_throttled_introspection_never_leads_to_a_refresh() {
    let throttled = |seconds| Input::Introspected(Introspected::Throttled(Duration::from_secs(seconds)));
    let mut inputs = vec![grant(facts())];
    for _ in 0..THROTTLED_TRIES - 1 {
        inputs.push(throttled(5));
        assert_eq!(then(USED, inputs.clone()), Effect::Wait { until: after(NOW, Duration::from_secs(5)) });
        inputs.push(Input::Woke);
    }
    inputs.push(throttled(5));
    assert_eq!(then(USED, inputs), Effect::Done(Outcome::Later(Duration::from_secs(5))));
    assert_eq!(
        then(USED, vec![grant(facts()), throttled(20)]),
        Effect::Wait { until: after(NOW, THROTTLE_MAX) }
    );
    let long = then(USED, vec![grant(facts()), throttled(60)]);
    assert_eq!(long, Effect::Done(Outcome::Later(Duration::from_mins(1))));
}

#[test]
fn anothers_refresh_is_waited_for_and_its_outcome_is_ours() {
    let leased = GrantFacts { leased_until: Some(after(NOW, LEASE_LIFE)), ..facts() };
    for why in [USED, Why::Forced] {
        let waiting = vec![grant(leased.clone())];
        assert_eq!(then(why, waiting.clone()), Effect::Wait { until: after(NOW, WATCH_EVERY) });
        let renewed = GrantFacts { generation: Generation(4), ..facts() };
        let moved = [waiting, vec![Input::Woke, grant(renewed)]].concat();
        assert_eq!(then(why, moved), Effect::Done(Outcome::Renewed));
    }
    let ended = GrantFacts { leased_until: Some(NOW), ..facts() };
    assert_eq!(
        then(Why::Forced, vec![grant(ended), GO]),
        Effect::TakeLease { expires_at: after(NOW, LEASE_LIFE) }
    );
}

/// Two processes saw the same 401; one took the lease, sent and died while the other one was asking Notion. What was read before
/// did not tell of it, so the second sent the same token at once.
#[test]
fn what_a_process_sent_before_it_died_is_given_a_moment_and_then_sent_again_if_it_is_still_the_grants() {
    let over = [grant(facts()), GO, Input::Lease(LeaseReply::TakenOver(7))];
    let with = |more: Vec<Input>| then(Why::Forced, [over.to_vec(), more].concat());
    assert_eq!(with(vec![]), Effect::Wait { until: after(NOW, Duration::from_secs(5)) });
    assert_eq!(with(vec![Input::Woke]), Effect::Read, "an older holder may have stored its pair late");
    assert_eq!(with(vec![Input::Woke, grant(facts())]), Effect::Send);
    let unsent = Effect::Release { word: "not_sent" };
    let moved = GrantFacts { generation: Generation(4), ..facts() };
    let ended = GrantFacts { state: GrantState::Tombstone, ..facts() };
    for (read, outcome) in [
        (grant(moved), Outcome::Renewed),
        (grant(ended), Outcome::Disconnected),
        (Input::Grant(None), Outcome::Disconnected),
    ] {
        assert_eq!(with(vec![Input::Woke, read.clone()]), unsent);
        assert_eq!(with(vec![Input::Woke, read, Input::Released]), Effect::Done(outcome));
    }
    let late = [over.to_vec(), vec![Input::Woke]].concat();
    let mut renewal = Renewal::new(Why::Forced);
    for input in std::iter::once(Input::Begin).chain(late) {
        renewal.step(NOW, input);
    }
    assert_eq!(renewal.step(after(NOW, FENCE), grant(facts())), Effect::Release { word: "fenced" });
}

#[test]
fn what_was_interrupted_is_told_to_be_suspect_at_once_and_then_sent_again() {
    let why = Why::Interrupted;
    let told_suspect = Effect::SetState { state: GrantState::Suspect, reason: INTERRUPTED };
    let died =
        |state, ago| grant(GrantFacts { state, refreshes: vec![seen(6, ago, Some("died"))], ..facts() });
    for state in [GrantState::Active, GrantState::Degraded, GrantState::ReconnectNeeded] {
        assert_eq!(
            then(why, vec![died(state, 1)]),
            told_suspect,
            "{state:?}, though its answer may be on its way"
        );
    }
    let told = || vec![died(GrantState::Active, 1), DONE];
    let with = |more: Vec<Input>| then(why, [told(), more].concat());
    assert_eq!(with(vec![died(GrantState::Suspect, 1)]), Effect::ReadCandidates);
    assert_eq!(
        with(vec![died(GrantState::Suspect, 1), Input::Candidates(0)]),
        Effect::AskBreaker { confirmed: true }
    );
    assert_eq!(with(vec![died(GrantState::Active, 5)]), Effect::Done(Outcome::Good), "a late answer came");
    let moved = grant(GrantFacts { generation: Generation(4), ..facts() });
    assert_eq!(with(vec![moved]), Effect::Done(Outcome::Renewed));
    for (written, outcome) in [
        (Written::Moved, Outcome::Renewed),
        (Written::Tombstoned, Outcome::Disconnected),
        (Written::Unknown, Outcome::Failed),
    ] {
        let effect = then(why, vec![died(GrantState::Active, 9), Input::Written(written)]);
        assert_eq!(effect, Effect::Done(outcome));
    }
}

#[test]
fn what_somebody_has_settled_or_looks_into_is_not_interrupted() {
    let grants = [
        facts(),
        GrantFacts { state: GrantState::Suspect, refreshes: vec![seen(6, 9, Some("died"))], ..facts() },
        GrantFacts {
            refreshes: vec![seen(6, 9, Some("died")), seen(7, 5, Some("invalid_grant"))],
            ..facts()
        },
        GrantFacts { refreshes: vec![seen(6, 9, Some("died")), seen(7, 5, Some("unknown"))], ..facts() },
        GrantFacts { refreshes: vec![seen(6, 9, None)], ..facts() },
        GrantFacts {
            refreshes: vec![RefreshSeen { generation: Generation(2), ..seen(6, 9, Some("died")) }],
            ..facts()
        },
    ];
    for facts in grants {
        let effect = then(Why::Interrupted, vec![grant(facts.clone())]);
        assert_eq!(effect, Effect::Done(Outcome::Good), "{facts:?}");
    }
    let again = vec![seen(6, 9, Some("invalid_grant")), seen(7, 5, Some("died"))];
    let facts = GrantFacts { refreshes: again, ..facts() };
    assert!(
        matches!(then(Why::Interrupted, vec![grant(facts)]), Effect::SetState { .. }),
        "another one died since"
    );
}

#[test]
fn who_is_given_up_after_a_lost_answer_is_told_so() {
    let given_up = |outcome| {
        let facts = GrantFacts { refreshes: vec![seen(6, 100, outcome)], ..facts() };
        let sent = vec![grant(facts.clone()), GO, TAKEN, REFUSED_TOKEN, grant(facts), INACTIVE];
        then(Why::Forced, [sent, vec![Input::Candidates(0)]].concat())
    };
    let told = |reason| Effect::SetState { state: GrantState::ReconnectNeeded, reason };
    assert_eq!(given_up(Some("died")), told(LOST_ANSWER));
    assert_eq!(given_up(Some("unknown")), told(LOST_ANSWER));
    assert_eq!(given_up(Some("not_sent")), told(REFUSED));
}

#[test]
fn a_lease_that_somebody_was_faster_to_take_is_watched() {
    let held = Input::Lease(LeaseReply::Held(after(NOW, LEASE_LIFE)));
    let inputs = vec![grant(facts()), INACTIVE, GO, held];
    assert_eq!(then(USED, inputs), Effect::Wait { until: after(NOW, WATCH_EVERY) });
    let moved = vec![grant(facts()), INACTIVE, GO, Input::Lease(LeaseReply::Moved)];
    assert_eq!(then(USED, moved), Effect::Read);
}

#[test]
fn a_holder_that_was_stopped_before_it_sent_lets_go_of_the_lease() {
    let mut renewal = Renewal::new(Why::Forced);
    for input in [Input::Begin, grant(facts()), GO] {
        renewal.step(NOW, input);
    }
    assert_eq!(renewal.step(after(NOW, FENCE), TAKEN), Effect::Release { word: "fenced" });
}

#[test]
fn refreshes_are_one_a_minute_and_five_an_hour_and_only_those_count_that_may_have_spent() {
    let wait = |refreshes: &[RefreshSeen], why| {
        let facts = GrantFacts { refreshes: refreshes.to_vec(), ..facts() };
        let inputs = if why == USED { vec![grant(facts), INACTIVE] } else { vec![grant(facts)] };
        match then(why, inputs) {
            Effect::Done(Outcome::TooSoon(wait)) => Some(wait.as_secs()),
            Effect::AskBreaker { confirmed: true } => None,
            other => panic!("{other:?}"),
        }
    };
    let issued = |ago: &[i64]| -> Vec<RefreshSeen> {
        ago.iter().map(|seconds| seen(1, *seconds, Some("issued"))).collect()
    };
    assert_eq!(wait(&[], USED), None);
    assert_eq!(wait(&issued(&[59]), USED), Some(1));
    assert_eq!(wait(&issued(&[60]), USED), None);
    assert_eq!(wait(&issued(&[3000, 2000, 1000, 500, 100]), USED), Some(600));
    assert_eq!(wait(&issued(&[3600, 2000, 1000, 500, 100]), USED), None);
    assert_eq!(wait(&issued(&[1, 2, 3, 4, 5]), Why::Forced), None);
    assert_eq!(wait(&issued(&[-90]), USED), None, "the clock was set back");
    for word in ["not_sent", "throttled", "client_refused", "fenced"] {
        let spared: Vec<_> = (1..=5).map(|ago| seen(1, ago, Some(word))).collect();
        assert_eq!(wait(&spared, USED), None, "{word}: five of them once locked a grant for an hour");
    }
    for word in [Some("unknown"), Some("invalid_grant"), None] {
        assert_eq!(wait(&[seen(1, 10, word)], USED), Some(50), "{word:?}");
    }
}

#[test]
fn without_a_refresh_token_only_a_token_that_notion_calls_inactive_ends_the_grant() {
    let bare = || grant(GrantFacts { refreshable: false, ..facts() });
    assert_eq!(then(USED, vec![bare(), INACTIVE]), Effect::ReadCandidates);
    assert_eq!(then(USED, vec![bare(), UNCLEAR, Input::Woke, UNCLEAR]), Effect::Done(Outcome::Good));
    assert_eq!(then(Why::Forced, vec![bare()]), Effect::Done(Outcome::NoRefreshToken));
}

#[test]
fn what_was_not_processed_changes_nothing_and_says_so() {
    let wait = Duration::from_secs(8);
    for (reply, word, outcome) in [
        (RefreshReply::NotSent, "not_sent", Outcome::Unreachable),
        (RefreshReply::Throttled(wait), "throttled", Outcome::Later(wait)),
        (RefreshReply::ClientRefused, "client_refused", Outcome::ClientRefused),
    ] {
        let told = told(USED, sent(vec![Input::Replied(reply), Input::Released]));
        assert_eq!(told[told.len() - 2..], [Effect::Release { word }, Effect::Done(outcome)]);
    }
}

#[test]
fn a_lost_answer_is_asked_for_once_more_at_once_and_then_the_grant_is_suspect() {
    assert_eq!(then(USED, sent(vec![LOST])), Effect::Read, "is it still the grant's?");
    assert_eq!(then(USED, sent(vec![LOST, grant(facts())])), Effect::Send);
    let suspect = Effect::SetState { state: GrantState::Suspect, reason: UNKNOWN };
    assert_eq!(then(USED, sent(vec![LOST, Input::Failed])), suspect, "the store does not say");
    for second in [
        RefreshReply::Ambiguous,
        RefreshReply::NotSent,
        RefreshReply::Throttled(PAUSE),
        RefreshReply::ClientRefused,
    ] {
        let inputs = sent(vec![LOST, grant(facts()), Input::Replied(second)]);
        assert_eq!(then(USED, inputs.clone()), suspect, "the first may have been done");
        let written = [inputs, vec![DONE]].concat();
        assert_eq!(then(USED, written.clone()), Effect::Release { word: "unknown" });
        let ended = [written, vec![Input::Released]].concat();
        assert_eq!(then(USED, ended), Effect::Done(Outcome::Unknown));
    }
    let issued = Input::Replied(RefreshReply::Issued { same_bot: true });
    let salvaged = sent(vec![LOST, grant(facts()), issued]);
    assert_eq!(then(USED, salvaged), Effect::Commit, "Notion gave the pair once more");
    let moved = grant(GrantFacts { generation: Generation(4), ..facts() });
    assert_eq!(then(USED, sent(vec![LOST, moved])), Effect::Release { word: "unknown" });
}

/// The lease runs out while an answer is listened to for minutes; by then another process may have sent the token, or its pair
/// be stored. A resending then crossed with it.
#[test]
fn an_answer_that_was_waited_for_past_the_fence_is_not_asked_for_again_under_the_same_lease() {
    let suspect = Effect::SetState { state: GrantState::Suspect, reason: UNKNOWN };
    let mut renewal = Renewal::new(USED);
    for input in std::iter::once(Input::Begin).chain(sent(vec![])) {
        renewal.step(NOW, input);
    }
    let mut stopped = renewal.clone();
    assert_eq!(renewal.step(after(NOW, FENCE), LOST), suspect);
    let just_before = after(NOW, FENCE.checked_sub(PAUSE).unwrap());
    assert_eq!(stopped.step(just_before, LOST), Effect::Read);
    assert_eq!(stopped.step(after(NOW, FENCE), grant(facts())), suspect, "it was stopped in between");
}

#[test]
fn what_is_only_doubted_spends_nothing_unless_notion_says_that_the_token_ended() {
    let why = Why::Doubted { used: Generation(3) };
    assert_eq!(then(why, vec![grant(facts())]), Effect::Introspect);
    let unclear = vec![grant(facts()), UNCLEAR, Input::Woke, UNCLEAR];
    assert_eq!(then(why, unclear.clone()), Effect::Done(Outcome::Good));
    assert!(!matches!(then(USED, unclear), Effect::Done(_)), "a refused call is another matter");
    assert_eq!(then(why, vec![grant(facts()), ACTIVE]), Effect::Done(Outcome::Good));
    assert_eq!(then(why, vec![grant(facts()), INACTIVE]), Effect::AskBreaker { confirmed: true });
    let moved = grant(GrantFacts { generation: Generation(4), ..facts() });
    assert_eq!(then(why, vec![moved]), Effect::Done(Outcome::Renewed));
}

/// Where a token that is sent twice ends the authorization, looking into a lost answer ended the pair of a newer consent too.
#[test]
fn a_token_that_may_be_spent_is_not_sent_again_while_a_newer_consents_pair_lives() {
    let refreshes = vec![seen(1, 30, Some("unknown"))];
    let suspect = grant(GrantFacts { state: GrantState::Suspect, refreshes, ..facts() });
    let then = |more: Vec<Input>| then(Why::Suspect, [vec![suspect.clone()], more].concat());
    let two = Input::Candidates(2);
    assert_eq!(then(vec![two.clone()]), Effect::Probe { candidate: 0 });
    assert_eq!(then(vec![two.clone(), ACTIVE]), Effect::Adopt { candidate: 0, keep_own: true });
    assert_eq!(then(vec![two.clone(), INACTIVE, ACTIVE]), Effect::Adopt { candidate: 1, keep_own: true });
    assert_eq!(then(vec![two.clone(), INACTIVE, INACTIVE]), Effect::AskBreaker { confirmed: true });
    assert!(
        matches!(then(vec![two, UNCLEAR]), Effect::Done(Outcome::Later(_))),
        "it may live: nothing is sent on a guess"
    );
}

#[test]
fn a_suspect_grant_is_looked_into_after_half_a_minute_two_and_ten() {
    for (attempts, seconds) in [(1, 30), (2, 120), (3, 600), (4, 600)] {
        let suspect = |ago: i64| {
            let refreshes =
                (0..attempts).map(|n| seen(n, ago + 1_000 * i64::try_from(n).unwrap(), Some("unknown")));
            grant(GrantFacts { state: GrantState::Suspect, refreshes: refreshes.collect(), ..facts() })
        };
        assert_eq!(then(Why::Suspect, vec![suspect(seconds - 1)]), Effect::Done(Outcome::Good), "{attempts}");
        assert_eq!(
            then(Why::Suspect, vec![suspect(seconds), Input::Candidates(0)]),
            Effect::AskBreaker { confirmed: true },
            "{attempts}"
        );
    }
    assert_eq!(
        then(Why::Suspect, vec![grant(facts())]),
        Effect::Done(Outcome::Good),
        "it is not suspect any more"
    );
}

#[test]
fn a_foreign_bots_pair_is_never_committed() {
    let foreign = Input::Replied(RefreshReply::Issued { same_bot: false });
    let inputs = sent(vec![foreign, DONE, Input::Released]);
    assert!(!told(USED, inputs.clone()).contains(&Effect::Commit));
    assert_eq!(then(USED, inputs), Effect::Done(Outcome::Foreign));
}

#[test]
fn a_refused_refresh_token_is_final_only_after_reading_again_and_asking() {
    assert_eq!(then(USED, sent(vec![REFUSED_TOKEN])), Effect::Read);
    let newer = grant(GrantFacts { generation: Generation(4), ..facts() });
    let moved = then(USED, sent(vec![REFUSED_TOKEN, newer, Input::Released]));
    assert_eq!(moved, Effect::Done(Outcome::Renewed), "somebody had put a newer pair there");
    let ended = grant(GrantFacts { state: GrantState::Tombstone, ..facts() });
    let gone = then(USED, sent(vec![REFUSED_TOKEN, ended, Input::Released]));
    assert_eq!(gone, Effect::Done(Outcome::Disconnected));
    let asked = |answer| sent(vec![REFUSED_TOKEN, grant(facts()), answer]);
    let degraded = Effect::SetState { state: GrantState::Degraded, reason: REFUSED };
    assert_eq!(then(USED, asked(ACTIVE)), degraded);
    assert_eq!(then(USED, asked(INACTIVE)), Effect::ReadCandidates);
    assert_eq!(then(USED, asked(UNCLEAR)), Effect::Wait { until: after(NOW, PAUSE) });
    let unclear = [asked(UNCLEAR), vec![Input::Woke, UNCLEAR]].concat();
    assert_eq!(then(USED, unclear), Effect::SetState { state: GrantState::Suspect, reason: REFUSED });
}

/// Ordered refreshes that were refused while the access token lived once answered as if something had been refreshed.
#[test]
fn an_ordered_refresh_that_is_refused_says_so() {
    let inputs =
        vec![grant(facts()), GO, TAKEN, REFUSED_TOKEN, grant(facts()), ACTIVE, DONE, Input::Released];
    assert_eq!(then(Why::Forced, inputs), Effect::Done(Outcome::RefreshRefused));
}

#[test]
fn a_grant_is_not_given_up_while_anothers_refresh_may_still_be_answered() {
    let suspect = Effect::SetState { state: GrantState::Suspect, reason: UNKNOWN };
    let with = |refreshes: Vec<RefreshSeen>| {
        let read = grant(GrantFacts { refreshes, ..facts() });
        then(USED, sent(vec![REFUSED_TOKEN, read, INACTIVE]))
    };
    let ours = || seen(7, 1, None);
    assert_eq!(with(vec![ours()]), Effect::ReadCandidates, "our own attempt is the one that was refused");
    assert_eq!(with(vec![ours(), seen(6, 100, None)]), suspect);
    assert_eq!(with(vec![ours(), seen(6, 300, None)]), Effect::ReadCandidates, "nobody listens any more");
    assert_eq!(with(vec![ours(), seen(6, 100, Some("unknown"))]), Effect::ReadCandidates);
}

#[test]
fn a_degraded_grant_is_not_given_up_either_while_anothers_refresh_may_still_be_answered() {
    let degraded = |refreshes| GrantFacts { state: GrantState::Degraded, refreshes, ..facts() };
    let ended = |refreshes| then(USED, vec![grant(degraded(refreshes)), INACTIVE]);
    let suspect = Effect::SetState { state: GrantState::Suspect, reason: UNKNOWN };
    let refused = seen(6, 10, Some("invalid_grant"));
    assert_eq!(ended(vec![refused.clone(), seen(5, 90, None)]), suspect);
    assert_eq!(ended(vec![refused]), Effect::ReadCandidates);
}

#[test]
fn a_newer_consents_pair_that_lives_keeps_a_connection_from_being_given_up() {
    let both_dead = |more: Vec<Input>| sent([vec![REFUSED_TOKEN, grant(facts()), INACTIVE], more].concat());
    let give_up = Effect::SetState { state: GrantState::ReconnectNeeded, reason: REFUSED };
    assert_eq!(then(USED, both_dead(vec![Input::Candidates(0)])), give_up);
    assert_eq!(then(USED, both_dead(vec![Input::Candidates(2)])), Effect::Probe { candidate: 0 });
    let second = both_dead(vec![Input::Candidates(2), INACTIVE]);
    assert_eq!(then(USED, second.clone()), Effect::Probe { candidate: 1 });
    let taken = [second.clone(), vec![ACTIVE]].concat();
    assert_eq!(then(USED, taken.clone()), Effect::Adopt { candidate: 1, keep_own: false });
    assert_eq!(then(USED, [taken, vec![DONE, Input::Released]].concat()), Effect::Done(Outcome::Renewed));
    assert_eq!(then(USED, [second.clone(), vec![INACTIVE]].concat()), give_up);
    let unclear = [second, vec![UNCLEAR, Input::Released]].concat();
    assert_eq!(then(USED, unclear), Effect::Done(Outcome::Later(PAUSE)), "it may live");
}

/// One came between the last question and the giving up: it is asked about too.
#[test]
fn a_consent_that_comes_while_a_grant_is_given_up_is_asked_about_and_else_it_is_told() {
    let moved = || Input::Written(Written::Moved);
    let refused = vec![REFUSED_TOKEN, grant(facts()), INACTIVE, Input::Candidates(0)];
    let giving_up = |more: Vec<Input>| then(USED, sent([refused.clone(), more].concat()));
    assert_eq!(giving_up(vec![DONE]), Effect::Release { word: "invalid_grant" });
    assert_eq!(giving_up(vec![DONE, Input::Released]), Effect::Done(Outcome::ReconnectNeeded));
    assert_eq!(giving_up(vec![moved()]), Effect::Read);
    assert_eq!(giving_up(vec![moved(), grant(facts())]), Effect::ReadCandidates);
    let newer = GrantFacts { generation: Generation(4), ..facts() };
    assert_eq!(giving_up(vec![moved(), grant(newer), Input::Released]), Effect::Done(Outcome::Renewed));
}

#[test]
fn a_token_is_spent_by_a_refresh_of_its_own_generation_that_brought_a_pair() {
    let with = |refreshes| GrantFacts { refreshes, ..facts() };
    assert!(with(vec![seen(1, 10, Some("issued"))]).is_spent());
    let older = RefreshSeen { generation: Generation(2), ..seen(1, 10, Some("issued")) };
    assert!(!with(vec![older, seen(2, 10, Some("not_sent"))]).is_spent());
}

#[test]
fn a_pair_that_the_store_does_not_take_is_offered_again_and_kept_when_its_row_moved_on() {
    let issued = |more: Vec<Input>| {
        sent([vec![Input::Replied(RefreshReply::Issued { same_bot: true })], more].concat())
    };
    let unknown = Input::Written(Written::Unknown);
    assert_eq!(then(USED, issued(vec![unknown.clone()])), Effect::Wait { until: after(NOW, COMMIT_PAUSE) });
    assert_eq!(then(USED, issued(vec![unknown, Input::Woke])), Effect::Commit);
    let moved = issued(vec![Input::Written(Written::Moved)]);
    assert_eq!(then(USED, moved.clone()), Effect::KeepAside);
    let kept = [moved, vec![Input::Kept, Input::Released]].concat();
    assert_eq!(then(USED, kept), Effect::Done(Outcome::Renewed));
    let ended = issued(vec![Input::Written(Written::Tombstoned), Input::Kept]);
    assert_eq!(then(USED, ended.clone()), Effect::SettleKept);
    let settled = [ended, vec![Input::Kept, Input::Released]].concat();
    assert_eq!(then(USED, settled), Effect::Done(Outcome::Disconnected));
}

#[test]
fn an_answer_to_another_question_ends_the_renewal_and_lets_go_of_the_lease() {
    assert_eq!(then(USED, vec![grant(facts()), Input::Kept]), Effect::Done(Outcome::Failed));
    assert_eq!(then(USED, sent(vec![Input::Woke])), Effect::Release { word: "failed" });
    assert_eq!(then(USED, sent(vec![Input::Woke, Input::Released])), Effect::Done(Outcome::Failed));
}
