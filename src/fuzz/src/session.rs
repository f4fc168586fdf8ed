//! Law of the plugin's whole life under arbitrary events of its host: requests, replies, ticks, reloads, resets and
//! failures in any order, with whatever they bring.
//!
//! - A request is decided once and goes on once.
//! - A request passes only if an authority's reply or a signature has shown its credentials to be active.
//! - After a refusal every callback pauses.
//! - Each waiting request is decided in the end, even without a reply.

mod event;
mod laws;
mod plugin;

use arbitrary::Unstructured;

use event::Event;
use plugin::Plugin;

/// Input: the events, as `arbitrary` reads them.
///
/// # Panics
/// One of the laws is broken.
pub fn holds_for(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let mut plugin = Plugin::new();
    for _event in 0..MAX_EVENTS {
        if bytes.is_empty() {
            break;
        }
        let Ok(event) = bytes.arbitrary::<Event>() else { break };
        plugin.take(event);
    }
    plugin.let_time_pass();
    plugin.assert_all_decided();
}

/// Most events of one life: more only take longer.
const MAX_EVENTS: usize = 256;
