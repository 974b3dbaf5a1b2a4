//! What Notion says over OAuth and how we answer: pure values, no effects.
