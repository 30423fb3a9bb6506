// SPDX-License-Identifier: Apache-2.0

/// The resumption handle of one session.
///
/// It lives on its session's shard and is driven from there through doors: every method is
/// synchronous. It is a sibling of the session's own actor and outlives it: a restarted session
/// resumes from what is kept here.
package actor Resumption {
  private let residence: Residence
  private var machine: ResumptionMachine

  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    residence.executor.asUnownedSerialExecutor()
  }

  package init(_ machine: ResumptionMachine, at residence: Residence) {
    self.residence = residence
    self.machine = machine
    Census.actorBegan()
  }

  deinit { Census.actorEnded() }

  /// Tells it what happened. `.persist` and `.forget` are for the owner to pass to the store.
  package func handle(
    _ input: ResumptionMachine.Input, at now: EngineInstant
  ) -> ResumptionMachine.Answer {
    machine.handle(input, at: now)
  }

  /// The handle to resume with now; nil means that a fresh session must be begun.
  package func handleForDial(at now: EngineInstant) -> Secret? {
    machine.handleForDial(at: now)
  }

  /// What the machine knows, for questions that change nothing.
  package var snapshot: ResumptionMachine { machine }

  /// When the last good handle arrived, nil if there is none.
  package var handleIssuedAt: EngineInstant? { machine.handleIssuedAt }

  /// What a session's machine needs to know of it.
  package func facts(forDialAt dialed: EngineInstant) -> SessionMachine.HandleFacts {
    SessionMachine.HandleFacts(
      isKnown: machine.canDial(at: dialed), isResumable: machine.isCurrent)
  }
}
