// SPDX-License-Identifier: Apache-2.0

/// One core's share of the sessions: their executor, their timers and their inbox.
///
/// It works in *turns*, in which everything is done in one synchronous function, so nothing is
/// re-entered: calls of its executor that the inbox's bell or an alarm asks for, and what the end of
/// a dial or of a connection's visit leaves to be done. The task in
/// ``run()`` is woken only for what needs a task: its child tasks write to the store, and dial if the
/// transport cannot answer by a call. Frames come straight from the connections, on the same executor.
/// Sessions own no tasks; the shard supervises them by bookkeeping.
actor Shard {
  nonisolated let index: UInt16
  nonisolated let executor: any ShardExecutor
  nonisolated let mailbox = Mailbox<ShardInput>()
  nonisolated let residence: Residence
  nonisolated let dialsUnderWay = DialsUnderWay()
  nonisolated let services: ShardServices
  nonisolated let clock: any EngineClock
  private nonisolated let seed: UInt64

  // Unchecked: an access to one of these is a call on a value that calls nobody back, or a look at
  // an array, and the checks were a thirtieth of a move.
  /// The sessions by slot; a free slot is nil.
  @exclusivity(unchecked) var sessions: [Session?] = []
  @exclusivity(unchecked) var timers = ShardTimers()
  var requestSerial: UInt32 = 0
  @exclusivity(unchecked) private var batch: [ShardInput] = []
  @exclusivity(unchecked) private var due: [UInt32] = []
  /// Dials for which the task of ``run()`` is to make tasks.
  private var pending: [DialInTask] = []
  var unwrittenHandles = HandleWrites()
  var intensities: [UInt32: RestartIntensity] = [:]
  var ownIntensity: RestartIntensity
  var failure: (any Error)?
  private var isRunning = false
  /// Whether a turn is under way, which looks at its end what there is to start and when to wake.
  private(set) var isInTurn = false
  /// Whether a connection is telling a session something, after which there is a turn if it is due.
  private var isVisited = false
  /// Whether mail came during a turn or a visit, at whose end it is read.
  private var hasMail = false
  /// The task of ``run()`` while it has nothing to do.
  private var parked: UnsafeContinuation<Void, Never>?
  var isDraining = false
  /// Whether the service was seen to count a resume as a use of its token.
  var resumesCountAsUses = false
  var counters = ShardCounters()

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  init(
    index: UInt16, executor: any ShardExecutor, clock: any EngineClock, seed: UInt64,
    services: ShardServices
  ) {
    self.index = index
    self.executor = executor
    residence = Residence(executor)
    self.clock = clock
    self.services = services
    self.seed = seed
    ownIntensity = RestartIntensity(services.configuration.supervision.shardLimits)
  }

  // MARK: The task

  /// Runs the shard until the task is cancelled. A fault that its sessions' restarts could not
  /// contain is thrown; a new run then begins with every session restarted.
  func run() async throws {
    failure = nil
    ownIntensity = RestartIntensity(services.configuration.supervision.shardLimits)
    isRunning = true
    dialsUnderWay.open()
    restartAll()
    hasMail = false
    mailbox.open { [self] in mailCame() }
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        while !Task.isCancelled, failure == nil {
          startWork(in: &group)
          await withUnsafeContinuation { parked = $0 }
        }
        mailbox.endRun()
        isRunning = false
        group.cancelAll()
        abandonPending()
        await dialsUnderWay.close()
      }
    } onCancel: {
      // Comes through the executor: between looking for work and parking nothing else runs there.
      executor.execute { Entry.wake(self) }
    }
    if let failure { throw failure }
  }

  private func startWork(in group: inout DiscardingTaskGroup) {
    for dial in pending { group.addTask { await self.perform(dial) } }
    pending.removeAll(keepingCapacity: true)
    unwrittenHandles.start(services.store, mailbox, in: &group)
  }

  func startInTask(_ dial: DialInTask) {
    pending.append(dial)
    workIsPending()
  }

  /// Nobody will make tasks for these any more.
  private func abandonPending() {
    for task in pending {
      services.admission.finish(task.dial.ticket, .abandoned)
      dialsUnderWay.end(task.place)
    }
    pending = []
  }

  func wake() { parked.take()?.resume() }

  /// Sees to it that the task starts what has been noted; within a turn, at its end.
  func workIsPending() {
    if !isInTurn { wake() }
  }

  // MARK: Turns

  /// Mail is read in a turn that is asked for, or at the end of what is being done here already.
  private nonisolated func mailCame() {
    if executor.isCurrent, Entry.noteMail(self) { return }
    executor.execute { Entry.turn(self) }
  }

  func noteMail() -> Bool {
    guard isInTurn || isVisited else { return false }
    hasMail = true
    return true
  }

  /// A connection begins to tell a session something; false if the shard is busy already, and this is
  /// told in the midst of it.
  func beginVisit() -> Bool {
    guard !isInTurn, !isVisited else { return false }
    isVisited = true
    return true
  }

  /// The session knows; what came of it for the shard is done at once.
  func endVisit() {
    isVisited = false
    if hasMail { turn() }
  }

  func turn() { takeTurn { readMail() } }

  private func readMail() {
    hasMail = false
    mailbox.take(into: &batch)
    for input in batch { handle(input) }
    batch.removeAll(keepingCapacity: true)
  }

  /// Does `body` in a turn of its own; false if none can begin now.
  @discardableResult
  func takeTurn(_ body: () -> Void) -> Bool {
    guard isRunning, failure == nil, !isInTurn else { return false }
    isInTurn = true
    body()
    endTurn()
    return true
  }

  func alarmRang(_ instant: EngineInstant) {
    timers.rang(instant)
    isInTurn = true
    endTurn()
  }

  private func endTurn() {
    fireTimers()
    // Mail that came meanwhile is read once; if that brings more, others come first.
    if hasMail, isRunning, failure == nil { readMail() }
    isInTurn = false
    if hasMail { executor.execute { Entry.turn(self) } }
    setAlarm()
    if !pending.isEmpty || unwrittenHandles.areWaiting || failure != nil { wake() }
  }

  private func fireTimers() {
    timers.takeDue(at: clock.now, into: &due)
    for slot in due {
      if let session = sessions[Int(slot)] { Session.Entry.timerFired(session) }
    }
    due.removeAll(keepingCapacity: true)
  }

  /// Asks the executor for a turn at the next deadline, if none is asked for by then.
  private func setAlarm() {
    guard let next = timers.nextAlarm() else { return }
    executor.schedule(at: next) { [self] in Entry.alarmRang(self, next) }
  }

  /// Keeps the session's entry in the wheel.
  func arm(_ slot: UInt32, at deadline: EngineInstant) {
    timers.arm(slot, at: deadline)
    if !isInTurn { setAlarm() }
  }

  /// Ends every session, for a broker that stops.
  func shutDown() {
    mailbox.close()
    unwrittenHandles.abandon()
    let end = SessionEnd(.brokerStopped, message: "the broker's run() ended")
    mailbox.take(into: &batch)
    for input in batch {
      switch input {
      case .open(let port, _, let continuation):
        port.finish(end)
        continuation.resume(throwing: BrokerError.ended(end))
      case .dialed(_, _, let result): (try? result.outcome.get())?.abort()
      case .inspect(let body): body(self)
      default: break
      }
    }
    batch = []
    for session in sessions {
      session?.assumeIsolated { $0.stop(end) }
    }
  }

  private func handle(_ input: ShardInput) {
    switch input {
    case .open(let port, let stored, let continuation):
      open(port, stored, continuation)
    case .message(let address, let message):
      if let session = session(address) { Session.Entry.accept(session, message) }
    case .input(let address, let input):
      if let session = session(address) { Session.Entry.feed(session, input) }
    case .credential(let ticket, let result): credential(ticket, result)
    case .admitted(let ticket): admitted(ticket)
    case .dialed(let address, let ticket, let result): dialed(address, ticket, result)
    case .received(let address, let generation, let bytes):
      guard let session = session(address) else { return }
      bytes.withUnsafeBytes { Session.Entry.received(session, ($0, generation)) }
    case .signalled(let address, let generation, let signal):
      guard let session = session(address) else { return }
      Session.Entry.signalled(session, (signal, generation))
    case .handlesWritten(let failures):
      counters.failedStoreWrites += failures
      unwrittenHandles.written()
    case .consumerCaughtUp(let address):
      session(address)?.assumeIsolated { $0.setReading(true) }
    case .close(let address, let end):
      session(address)?.assumeIsolated { session in
        session.feed { machine, context in machine.closeRequested(end, context) }
      }
    case .fault(let address, let message): fault(address, message)
    case .drain(let deadline): drain(by: deadline)
    case .inspect(let body): body(self)
    }
  }

  // MARK: Time

  nonisolated var now: EngineInstant { clock.now }

  /// What comes with an input of the session at this place: the time, and a draw that depends on
  /// nothing but the broker's seed, the place and the time.
  nonisolated func context(of slot: UInt32, limits: SessionLimits) -> SessionMachine.Context {
    let now = clock.now
    var generator = SplitMix64(
      seed: seed ^ UInt64(slot) &* 0xD6E8_FEB8_6659_FD93 ^ UInt64(bitPattern: now.nanoseconds))
    return SessionMachine.Context(now: now, draw: generator.next(), limits: limits)
  }
}
