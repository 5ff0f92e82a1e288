"""Other frameworks' files become specs: every option is carried, left out because nothing is lost, or reported."""
