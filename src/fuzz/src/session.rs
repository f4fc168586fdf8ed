//! The plugin's whole life under arbitrary events of its host: requests, replies, ticks, reloads, resets and failures in any
//! order, with whatever they bring.
//!
//! The laws: a request is decided once and goes on once; none passes whose credentials nobody has vouched for; after a refusal
//! every callback pauses; and whoever waits is told in the end, though nobody ever answers.

mod event;
mod laws;
mod plugin;

use arbitrary::Unstructured;

use event::Event;
use plugin::Plugin;

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

/// Events of one life: more only take longer.
const MAX_EVENTS: usize = 256;
