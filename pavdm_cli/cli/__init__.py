"""What a person types. The only code that prints, exits or reads arguments."""
