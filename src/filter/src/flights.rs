//! Owns the lookups that are out: one for each unknown credential, whoever waits for it, and how many there may be.
//!
//! A request that needs an answer takes a seat. The first seat for a credential opens a flight, and later ones join it.
//! Flights are sent by the plugin's root context, at its next tick, a millisecond away: a call that belongs to a request ends
//! with that request, and those who wait with it would wait in vain. A root that goes leaves its flights to be sent again.
//!
//! Each kind of credential has its own bound, and so has each API key for the tokens behind it: a flood of random keys leaves
//! room to ask about the tokens of good callers, and one caller's flood of tokens leaves room for others. So it is with how
//! many may begin in a second, which the policy says (`rate`). Beyond a bound a request is refused at once: there is no queue without end. A flight that was sent counts until it lands, though all who waited
//! for it have gone: who resets requests makes no authority work more.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use brama_policy::{Lookup, Moment, Monotonic};

use crate::config::Settings;
use crate::feeds::Standing;
use crate::host::{CallId, RootId, StreamId};
use crate::memory::Key;
use crate::rate::Rates;
use crate::waiting::{Room, SLACK, Seat, Waiter};

/// The lookups of one worker; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Flights(Rc<RefCell<Air>>);

#[derive(Debug, Default)]
struct Air {
    flights: BTreeMap<Key, Flight>,
    rates: Rates,
}

#[derive(Debug)]
struct Flight {
    lookup: Lookup,
    /// Those under which it was asked for: they hold the secret it is sent with.
    settings: Rc<Settings>,
    /// The id of the request that asked first.
    request_id: String,
    /// How many have joined it.
    joined: usize,
    /// The API key in front of a token.
    behind: Option<Key>,
    state: State,
    waiting: Room,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is to be sent at the next tick.
    Boarding,
    /// A root has sent it, knowing so much of the authority's feed.
    Out { root: RootId, call: CallId, sent: Monotonic, knowing: Option<Standing> },
}

/// What a request asks for.
#[derive(Debug)]
pub struct Ticket {
    /// The request.
    pub stream: StreamId,
    /// The credential, by its key.
    pub key: Key,
    /// The API key in front of a token, by its key.
    pub behind: Option<Key>,
    /// The lookup.
    pub lookup: Lookup,
    /// The settings of the request.
    pub settings: Rc<Settings>,
    /// The id of the request.
    pub request_id: String,
}

/// A flight that is to be sent.
#[derive(Debug)]
pub struct Departure {
    /// Which.
    pub key: Key,
    /// What to ask.
    pub lookup: Lookup,
    /// The secret to ask it with.
    pub settings: Rc<Settings>,
    /// The id of the request that asked first.
    pub request_id: String,
}

/// A flight that has its answer.
#[derive(Debug)]
pub struct Landed {
    flight: Flight,
}

/// As many lookups are out as may be, or have begun, or as many wait for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Flights {
    /// Takes a seat for a request: in the flight that is out for its credential (`true`), or in a new one.
    ///
    /// # Errors
    /// No flight is out, and no further one may be; or it has no seat any more.
    pub fn board(&self, ticket: Ticket, now: Moment) -> Result<(Seat, bool), Full> {
        let Ticket { stream, key, behind, lookup, settings, request_id } = ticket;
        // A store that is in use is not to be had twice; that cannot be, and refuses.
        let mut air = self.0.try_borrow_mut().map_err(|_in_use| Full)?;
        let Air { flights, rates } = &mut *air;
        let until = now.monotonic.after(lookup.patience().saturating_add(SLACK)).ok_or(Full)?;
        let waiter = Waiter { stream, key, until };
        if let Some(flight) = flights.get_mut(&key) {
            let seat = flight.waiting.seat(waiter).ok_or(Full)?;
            flight.joined = flight.joined.saturating_add(1);
            return Ok((seat, true));
        }
        let kind = lookup.kind();
        let of_kind = flights.values().filter(|flight| flight.lookup.kind() == kind).count();
        let of_caller =
            behind.map_or(0, |caller| flights.values().filter(|flight| flight.behind == Some(caller)).count());
        if of_kind >= MOST_IN_FLIGHT || of_caller >= MOST_BEHIND_A_KEY {
            return Err(Full);
        }
        // Last: what is admitted counts.
        if !rates.admit(&lookup, behind, now) {
            return Err(Full);
        }
        let (state, waiting) = (State::Boarding, Room::default());
        let flight = Flight { lookup, settings, request_id, joined: 0, behind, state, waiting };
        let seat = flight.waiting.seat(waiter).ok_or(Full)?;
        flights.insert(key, flight);
        Ok((seat, false))
    }

    /// The flights to be sent now; those that nobody waits for any more are not.
    #[must_use]
    pub fn departures(&self, now: Moment) -> Vec<Departure> {
        let Ok(mut air) = self.0.try_borrow_mut() else { return Vec::new() };
        let flights = &mut air.flights;
        for flight in flights.values_mut().filter(|flight| flight.is_lost(now)) {
            flight.state = State::Boarding;
        }
        flights.retain(|_key, flight| !flight.waiting.is_empty() || flight.state != State::Boarding);
        let boarding = flights.iter().filter(|(_key, flight)| flight.state == State::Boarding);
        boarding
            .map(|(key, flight)| Departure {
                key: *key,
                lookup: flight.lookup.clone(),
                settings: Rc::clone(&flight.settings),
                request_id: flight.request_id.clone(),
            })
            .collect()
    }

    /// Notes that a root has sent a flight.
    pub fn sent(&self, key: Key, root: RootId, call: CallId, knowing: Option<Standing>, now: Moment) {
        let Ok(mut air) = self.0.try_borrow_mut() else { return };
        if let Some(flight) = air.flights.get_mut(&key) {
            flight.state = State::Out { root, call, sent: now.monotonic, knowing };
        }
    }

    /// Ends the flight of a call; `None` where the call is none.
    #[must_use]
    pub fn land(&self, root: RootId, call: CallId) -> Option<(Key, Landed)> {
        let flights = &mut self.0.try_borrow_mut().ok()?.flights;
        let is_it = |flight: &Flight| matches!(flight.state, State::Out { root: by, call: known, .. } if (by, known) == (root, call));
        let key = *flights.iter().find(|(_key, flight)| is_it(flight))?.0;
        Some((key, Landed { flight: flights.remove(&key)? }))
    }

    /// The answer says what was: the flight is to be sent again, for whoever still waits.
    pub fn again(&self, key: Key, landed: Landed) {
        let Ok(mut air) = self.0.try_borrow_mut() else { return };
        air.flights.insert(key, Flight { state: State::Boarding, ..landed.flight });
    }

    /// Ends a flight that could not be sent.
    #[must_use]
    pub fn cancel(&self, key: Key) -> Option<Landed> {
        self.0.try_borrow_mut().ok()?.flights.remove(&key).map(|flight| Landed { flight })
    }

    /// Those who have waited as long as they may; they wait no more.
    #[must_use]
    pub fn overdue(&self, now: Moment) -> Vec<Waiter> {
        let Ok(air) = self.0.try_borrow() else { return Vec::new() };
        air.flights.values().flat_map(|flight| flight.waiting.overdue(now)).collect()
    }

    /// A root is gone, and its calls with it: they are to be sent again.
    pub fn abandoned_by(&self, root: RootId) {
        let Ok(mut air) = self.0.try_borrow_mut() else { return };
        for flight in
            air.flights.values_mut().filter(|flight| matches!(flight.state, State::Out { root: by, .. } if by == root))
        {
            flight.state = State::Boarding;
        }
    }

    /// Whether nothing is out.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.try_borrow().is_ok_and(|air| air.flights.is_empty())
    }
}

impl Flight {
    /// Whether it was sent and will not land any more. The proxy tells of every call how it ends; if it did not, its place
    /// would be lost, and whoever joined it.
    fn is_lost(&self, now: Moment) -> bool {
        match self.state {
            State::Boarding => false,
            State::Out { sent, .. } => {
                let end = sent.after(self.lookup.patience().saturating_add(LOST));
                end.is_none_or(|end| end <= now.monotonic)
            }
        }
    }
}

impl Landed {
    /// What was asked.
    #[must_use]
    pub const fn lookup(&self) -> &Lookup {
        &self.flight.lookup
    }

    /// The settings under which it was asked.
    #[must_use]
    pub const fn settings(&self) -> &Rc<Settings> {
        &self.flight.settings
    }

    /// The id of the request that asked first.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.flight.request_id
    }

    /// How many requests have joined it.
    #[must_use]
    pub const fn joined(&self) -> usize {
        self.flight.joined
    }

    /// Who waits for it; they wait no more.
    #[must_use]
    pub fn waiters(&self) -> Vec<Waiter> {
        self.flight.waiting.take()
    }

    /// What was known of the authority's feed when it was sent.
    #[must_use]
    pub const fn knowing(&self) -> Option<Standing> {
        match self.flight.state {
            State::Boarding => None,
            State::Out { knowing, .. } => knowing,
        }
    }
}

/// Lookups of one kind that a worker may have out. Twice this, times the workers, has to fit into the circuit breaker
/// of the authority's cluster, or that one sheds without telling the kinds apart.
pub const MOST_IN_FLIGHT: usize = 100;

/// Lookups of tokens behind one API key that a worker may have out: a caller's flood leaves half of the room to others.
pub const MOST_BEHIND_A_KEY: usize = 50;

/// Beyond its timeout: after so long a flight is out no more, whatever the proxy says.
const LOST: Duration = Duration::from_secs(2);
