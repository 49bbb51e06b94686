-- Keeps others from loading a framework until the transaction ends.
lock table analytics.frameworks in share row exclusive mode
