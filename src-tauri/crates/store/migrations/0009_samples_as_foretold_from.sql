-- What a forecast starts from: units used and left, and the window a sample belongs to. Older samples do not tell it.
ALTER TABLE quota_samples ADD COLUMN reset_at INTEGER;
