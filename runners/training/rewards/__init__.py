"""What generated replies are paid for: functions, packages' functions, and reward models."""
