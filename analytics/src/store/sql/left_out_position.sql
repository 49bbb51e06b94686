-- Up to where the candidates that count for nothing are counted now. $1 position.
update analytics.current set left_out_position = $1
