// SPDX-License-Identifier: Apache-2.0

/// The gate through which all dials to one endpoint and project go.
///
/// It is the mailbox and the hands of a ``PacerMachine``: one alarm, however many sessions wait, and
/// one task that only says how long it serves: the turns are calls of its executor. It lives on the
/// broker's control executor; who asks from there is heard at once, others through the mailbox. A
/// broker that speaks to several endpoints, or with several projects' keys, has one for each.
///
/// Its mailbox is bounded by its sessions: each has at most one ticket waiting or under way beside
/// one whose dial it has given up, and tells of one setup for each.
package actor Admission {
  private enum Input: Sendable {
    case requested(Ticket, DialClass, by: EngineInstant)
    case cancelled(Ticket)
    case finished(Ticket, DialOutcome)
    case setupEnded(Ticket, SetupOutcome)
    case sessionEnded(Ticket, wasUp: Bool)
  }

  private nonisolated let executor: any ShardExecutor
  private nonisolated let mailbox = Mailbox<Input>()
  private let clock: any EngineClock
  private let grant: @Sendable (Ticket) -> Void
  // Unchecked: these are values whose functions call nobody back.
  @exclusivity(unchecked) private var machine: PacerMachine
  @exclusivity(unchecked) private var random: SplitMix64
  @exclusivity(unchecked) private var batch: [Input] = []
  @exclusivity(unchecked) private var granted: [Ticket] = []
  /// When the earliest alarm rings that is still under way.
  private var alarm: EngineInstant?
  private var isServing = false
  private var isInTurn = false

  private static let turn = Door { (admission: isolated Admission, input: Input?) in
    admission.turn(input)
  }

  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Makes an admission that begins to grant when ``run()`` is called.
  ///
  /// - Parameter grant: Told of each ticket that may dial now. Called on `executor`, in order; it
  ///   should only put the ticket into its shard's mailbox.
  package init(
    configuration: AdmissionConfiguration, clock: any EngineClock, executor: any ShardExecutor,
    seed: UInt64, grant: @escaping @Sendable (Ticket) -> Void
  ) {
    self.executor = executor
    self.clock = clock
    self.grant = grant
    machine = PacerMachine(configuration: configuration)
    random = SplitMix64(seed: seed)
  }

  /// Serves until the task is cancelled. Once it has returned it may be called again: who waited
  /// still waits, and what was learned is kept.
  package func run() async {
    // An alarm of an earlier run may have rung into its closed bell.
    alarm = nil
    isServing = true
    let turn: @Sendable () -> Void = { _ = Self.turn(self, nil) }
    mailbox.open { [executor] in executor.execute(turn) }
    // Who waits since an earlier run needs a first turn even if nobody writes.
    mailbox.ring()
    await untilCancelled()
    mailbox.endRun()
    isServing = false
  }

  /// Asks for leave to dial; see ``PacerMachine/requested(_:_:by:at:)``. Callable from any thread.
  package nonisolated func request(_ ticket: Ticket, _ kind: DialClass, by deadline: EngineInstant)
  {
    tell(.requested(ticket, kind, by: deadline))
  }

  /// Takes a request back, or gives up a granted dial. The grant may be on its way already; it then
  /// finds a ticket that its session no longer knows. Callable from any thread.
  package nonisolated func cancel(_ ticket: Ticket) { tell(.cancelled(ticket)) }

  /// Reports how a granted dial ended. Callable from any thread.
  package nonisolated func finish(_ ticket: Ticket, _ outcome: DialOutcome) {
    tell(.finished(ticket, outcome))
  }

  /// Reports what came of a session's setup while it was not up. Of the ticket only the session's
  /// place counts, whatever its serial. Callable from any thread.
  package nonisolated func noteSetup(_ ticket: Ticket, _ outcome: SetupOutcome) {
    tell(.setupEnded(ticket, outcome))
  }

  /// A session is over; `wasUp` tells whether it had a place. Callable from any thread.
  package nonisolated func noteEnd(_ ticket: Ticket, wasUp: Bool) {
    tell(.sessionEnded(ticket, wasUp: wasUp))
  }

  private nonisolated func tell(_ input: Input) {
    if executor.isCurrent, Self.turn(self, input) { return }
    mailbox.post(input)
  }

  /// How things stand.
  package var snapshot: PacerMachine.Snapshot { machine.snapshot(at: clock.now) }

  /// Hears what has come, and `last` after it; false if this is not the moment.
  private func turn(_ last: Input?) -> Bool {
    guard isServing, !isInTurn else { return false }
    isInTurn = true
    defer { isInTurn = false }
    let now = clock.now
    mailbox.take(into: &batch)
    for input in batch { hear(input, at: now) }
    if let last { hear(last, at: now) }
    granted.removeAll(keepingCapacity: true)
    let wake = machine.turnEnded(at: now, granted: &granted)
    for ticket in granted { grant(ticket) }
    setAlarm(at: wake, now: now)
    return true
  }

  private func hear(_ input: Input, at now: EngineInstant) {
    switch input {
    case .requested(let ticket, let kind, let deadline):
      machine.requested(ticket, kind, by: deadline, at: now)
    case .cancelled(let ticket):
      machine.cancelled(ticket, at: now)
    case .finished(let ticket, let outcome):
      machine.finished(ticket, outcome, at: now, draw: random.next())
    case .setupEnded(let ticket, .up): machine.placeTaken(ticket, at: now)
    case .setupEnded(let ticket, .refusedByQuota):
      machine.placeRefused(ticket, at: now, draw: random.next())
    case .setupEnded(let ticket, .failed): machine.startFailed(ticket)
    case .sessionEnded(let ticket, let wasUp): machine.ended(ticket, wasUp: wasUp)
    }
  }

  /// An alarm cannot be taken back, so a new one is set only if it would ring before those under
  /// way; one that rings for nothing costs an empty turn.
  private func setAlarm(at wake: EngineInstant?, now: EngineInstant) {
    if let set = alarm, set <= now { alarm = nil }
    guard let wake, wake < alarm ?? .never else { return }
    alarm = wake
    executor.schedule(at: wake) { [mailbox] in mailbox.ring() }
  }
}

/// Returns when the task is cancelled.
private func untilCancelled() async {
  let (stream, continuation) = AsyncStream<Never>.makeStream()
  for await _ in stream {}
  withExtendedLifetime(continuation) {}
}
