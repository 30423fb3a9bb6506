// SPDX-License-Identifier: Apache-2.0

@testable import LiveBroker

/// Drives one session machine through its life without tasks: this came in, that came out, at
/// this time.
struct SessionScript {
  var machine = SessionMachine()
  var now = EngineInstant(nanoseconds: 1_000_000_000_000)
  var draw: UInt64 = 0
  var limits: SessionLimits

  init(_ change: (inout SessionConfiguration) -> Void = { _ in }) {
    var configuration = SessionConfiguration(model: "models/test")
    configuration.rotation.spread = 0
    change(&configuration)
    limits = SessionLimits(configuration)
  }

  var context: SessionMachine.Context {
    SessionMachine.Context(now: now, draw: draw, limits: limits)
  }

  mutating func pass(_ time: Duration) { now = now.advanced(by: time) }

  // The machine's inputs at the script's present moment.

  mutating func opened() -> [SessionMachine.Action] { machine.opened(context) }
  mutating func acquired(until expiry: EngineInstant = .never) -> [SessionMachine.Action] {
    machine.credentialAcquired(expiresAt: expiry, context)
  }
  mutating func admitted(isUsable: Bool = true) -> [SessionMachine.Action] {
    machine.admitted(isUsable: isUsable, context)
  }
  mutating func dialed(_ generation: UInt32) -> [SessionMachine.Action] {
    machine.dialed(generation: generation, context)
  }
  mutating func dialFailed(
    _ generation: UInt32, _ verdict: FailureVerdict = .retry
  ) -> [SessionMachine.Action] {
    machine.dialFailed(generation: generation, verdict, context)
  }
  mutating func setupCompleted(_ generation: UInt32) -> [SessionMachine.Action] {
    machine.setupCompleted(generation: generation, context)
  }
  mutating func considered() -> [SessionMachine.Action] { machine.considerRotation(context) }
  mutating func callAnswered(_ id: String) -> Bool { machine.callAnswered(id: id, isLast: true) }
  mutating func closeRequested(_ end: SessionEnd) -> [SessionMachine.Action] {
    machine.closeRequested(end, context)
  }
  mutating func drainRequested(
    by limit: EngineInstant, _ end: SessionEnd
  ) -> [SessionMachine.Action] {
    machine.drainRequested(by: limit, end, context)
  }

  mutating func timer() -> [SessionMachine.Action] { machine.timerFired(context) }

  /// Lets time pass to the machine's own next deadline and fires the timer there.
  mutating func nextTimer() -> [SessionMachine.Action] {
    now = max(now, machine.nextDeadline(limits))
    return timer()
  }

  mutating func openToLive(expiresIn life: Duration? = .seconds(1_800)) {
    _ = machine.opened(context)
    let expiry = life.map { now.advanced(by: $0) } ?? .never
    _ = machine.credentialAcquired(expiresAt: expiry, context)
    _ = machine.admitted(isUsable: true, context)
    _ = machine.dialed(generation: machine.generation, context)
    _ = machine.setupCompleted(generation: machine.generation, context)
  }

  /// A handle that covers everything sent so far.
  mutating func handleCame() {
    machine.handleUpdated(SessionMachine.HandleFacts(isKnown: true, isResumable: true))
  }

  mutating func handleWithheld() {
    var facts = machine.handle
    facts.isResumable = false
    machine.handleUpdated(facts)
  }

  mutating func goAway(
    _ timeLeft: Duration?, on generation: UInt32? = nil
  ) -> [SessionMachine.Action] {
    machine.goAwayReceived(
      generation: generation ?? machine.live?.generation ?? 0, timeLeft: timeLeft, context)
  }

  mutating func heard(_ facts: MessageFacts) -> [SessionMachine.Action] {
    machine.heard(generation: machine.live?.generation ?? 0, facts, context)
      + machine.considerRotation(context)
  }

  mutating func connectionLost(
    _ generation: UInt32, _ verdict: FailureVerdict = .retry
  ) -> [SessionMachine.Action] {
    machine.connectionEnded(
      generation: generation, .closedByService(code: 1011, reason: "x"), verdict, context)
  }

  /// From live to a standby that is ready, by a goAway at a moment that is not quiet.
  mutating func prepareStandby() {
    _ = heard(.modelSpoke)
    _ = goAway(.seconds(60))
    pass(.seconds(53))
    _ = timer()
    _ = machine.admitted(isUsable: true, context)
    _ = machine.dialed(generation: machine.generation, context)
  }
}
