-- Which framework is in force, while the recommender has no catalogue yet. One row: its number, and 0.
select coalesce(max(framework), 0), 0::bigint from analytics.frameworks
