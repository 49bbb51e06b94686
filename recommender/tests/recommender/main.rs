//! The recommender as its readers see it: lists, what holds for every list, HTTP.

mod common;
mod http;
mod lists;
mod properties;
