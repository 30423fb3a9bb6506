// SPDX-License-Identifier: Apache-2.0

/// One core's share of the sessions: their executor, their timers and their inbox.
///
/// The loop in ``run()`` waits for the bell and then does everything in one synchronous function, so
/// nothing is re-entered. Only that loop touches the task group: dials and store writes become child
/// tasks and come back through the inbox. Frames come straight from the connections, on the same
/// executor. Sessions own no tasks; the shard supervises them by bookkeeping.
actor Shard {
  nonisolated let index: UInt16
  nonisolated let executor: any ShardExecutor
  nonisolated let mailbox = Mailbox<ShardInput>()
  nonisolated let services: ShardServices
  nonisolated let clock: any EngineClock
  private nonisolated let seed: UInt64

  /// The sessions by slot; a free slot is nil.
  private(set) var sessions: [Session?] = []
  private var tenants: [UInt32] = []
  private var freeSlots: [UInt32] = []
  private var wheel = TimerWheel()
  /// What the executor was asked to ring at, the earliest last. Asked only for earlier ones, so
  /// that no instant is asked for twice.
  private var alarms: [EngineInstant] = []
  private var requestSerial: UInt32 = 0
  private var batch: [ShardInput] = []
  private var due: [UInt32] = []
  private var pending: [ShardWork] = []
  private var unwrittenHandles = HandleWrites()
  private var intensities: [UInt32: RestartIntensity] = [:]
  private var ownIntensity: RestartIntensity
  private var failure: (any Error)?
  private var isPerforming = false
  private(set) var isDraining = false
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
    self.clock = clock
    self.services = services
    self.seed = seed
    ownIntensity = RestartIntensity(services.configuration.supervision.shardLimits)
  }

  // MARK: The loop

  /// Runs the shard until the task is cancelled. A fault that its sessions' restarts could not
  /// contain is thrown; a new run then begins with every session restarted.
  func run() async throws {
    let bell = mailbox.open()
    failure = nil
    ownIntensity = RestartIntensity(services.configuration.supervision.shardLimits)
    restartAll()
    await withDiscardingTaskGroup { group in
      for await _ in bell {
        perform(in: &group)
        if failure != nil { break }
      }
      group.cancelAll()
    }
    if let failure { throw failure }
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

  private func perform(in group: inout DiscardingTaskGroup) {
    isPerforming = true
    mailbox.take(into: &batch)
    for input in batch { handle(input) }
    batch.removeAll(keepingCapacity: true)
    fireTimers()
    isPerforming = false
    for work in pending { work.start(in: &group) }
    pending.removeAll(keepingCapacity: true)
    unwrittenHandles.start(services.store, mailbox, in: &group)
  }

  private func handle(_ input: ShardInput) {
    switch input {
    case .open(let port, let stored, let continuation):
      open(port, stored, continuation)
    case .message(let address, let message):
      session(address)?.assumeIsolated { $0.accept(message) }
    case .input(let address, let input):
      session(address)?.assumeIsolated { $0.feed(input) }
    case .credential(let ticket, let result): credential(ticket, result)
    case .admitted(let ticket): admitted(ticket)
    case .dialed(let address, let ticket, let result): dialed(address, ticket, result)
    case .received(let address, let generation, let bytes):
      session(address)?.assumeIsolated { session in
        bytes.withUnsafeBytes { session.received($0, on: generation) }
      }
    case .signalled(let address, let generation, let signal):
      session(address)?.assumeIsolated { $0.signalled(signal, on: generation) }
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

  private func session(_ address: SessionAddress) -> Session? {
    guard address.slot < sessions.count, tenants[Int(address.slot)] == address.tenant else {
      return nil
    }
    return sessions[Int(address.slot)]
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

  /// Keeps the session's wheel entry; the executor is asked to wake the shard for the first of all.
  func arm(_ slot: UInt32, at deadline: EngineInstant) {
    wheel.arm(slot, at: deadline)
    wakeInTime()
  }

  private func wakeInTime() {
    guard let next = wheel.nextDeadline, next < alarms.last ?? .never else { return }
    alarms.append(next)
    executor.schedule(at: next) { [self] in
      self.assumeIsolated { $0.alarmRang(next) }
    }
  }

  private func alarmRang(_ instant: EngineInstant) {
    alarms.removeAll { $0 == instant }
    fireTimers()
    if !pending.isEmpty || failure != nil { mailbox.ring() }
  }

  private func fireTimers() {
    wheel.advance(to: clock.now, into: &due)
    for slot in due { sessions[Int(slot)]?.assumeIsolated { $0.timerFired() } }
    due.removeAll(keepingCapacity: true)
    wakeInTime()
  }

  // MARK: Sessions

  private func open(
    _ port: SessionPort, _ stored: StoredResumption?,
    _ continuation: CheckedContinuation<Void, any Error>
  ) {
    guard !isDraining else {
      port.finish(SessionEnd(.drained, message: "the broker takes no new sessions"))
      services.registry.free(port)
      return continuation.resume(
        throwing: BrokerError(.draining, message: "the broker takes no new sessions"))
    }
    let handle = services.resumptionMachine(stored, at: clock.now, wallTime: clock.wallTime)
    let resumption = Resumption(handle, executor: executor)
    let estate = SessionEstate(port: port, resumption: resumption)
    let session = Session(estate, opening: continuation)
    place(session, at: port.address)
    counters.opened += 1
    session.assumeIsolated { session in
      session.machine.handleUpdated(session.handleFacts())
      session.feed { machine, context in machine.opened(context) }
    }
  }

  private func place(_ session: Session, at address: SessionAddress) {
    let slot = Int(address.slot)
    while sessions.count <= slot {
      sessions.append(nil)
      tenants.append(0)
    }
    sessions[slot] = session
    tenants[slot] = address.tenant
  }

  /// A session is over: its place is free for another.
  func sessionEnded(_ port: SessionPort, _ end: SessionEnd) {
    let slot = port.address.slot
    sessions[Int(slot)] = nil
    intensities[slot] = nil
    wheel.disarm(slot)
    services.registry.free(port)
    counters.note(end)
    services.observer.sessionEnded(id: port.id, end)
    if end.code == .closedByApplication, services.store != nil {
      unwrittenHandles.note(nil, id: port.id)
      mailbox.ring()
    }
  }

  private func drain(by deadline: EngineInstant) {
    isDraining = true
    let end = SessionEnd(.drained, message: "the broker was drained")
    for session in sessions {
      session?.assumeIsolated { session in
        session.feed { machine, context in
          machine.drainRequested(by: deadline, end, context)
        }
      }
    }
  }

  // MARK: Supervision

  /// A session failed inside the broker: it is built anew from what outlives it, and resumes. One
  /// that fails too often ends; too many failures on one shard restart the shard.
  private func fault(_ address: SessionAddress, _ message: String) {
    guard let session = session(address) else { return }
    counters.faults += 1
    if let end = session.assumeIsolated({ $0.machine.ending }) {
      // It was about to end: there is nothing to go on with.
      return session.assumeIsolated { $0.stop(end) }
    }
    guard ownIntensity.permits(at: clock.now) else {
      failure = BrokerError(
        .sessionFailed, message: "too many sessions failed on shard \(index): \(message)")
      return
    }
    var intensity =
      intensities[address.slot]
      ?? RestartIntensity(services.configuration.supervision.sessionLimits)
    let permitted = intensity.permits(at: clock.now)
    intensities[address.slot] = intensity
    guard permitted else {
      let end = SessionEnd(
        .restartIntensityExceeded, message: "the session failed again and again: \(message)")
      return session.assumeIsolated { $0.stop(end) }
    }
    restart(session, cause: .fault(message))
  }

  private func restart(_ old: Session, cause: InterruptionCause) {
    counters.restarts += 1
    let (estate, opening) = old.assumeIsolated { $0.retire() }
    let session = Session(estate, opening: opening)
    place(session, at: estate.port.address)
    guard let machine = estate.machine else { return }
    session.assumeIsolated { session in
      session.machine.handleUpdated(session.handleFacts())
      session.feed { $0.restarted(cause, from: machine, $1) }
    }
  }

  /// A shard that begins a run with sessions from an earlier one restarts them all.
  private func restartAll() {
    for session in sessions {
      if let session { restart(session, cause: .fault("the shard was restarted")) }
    }
  }

  // MARK: What sessions ask for

  func requestToken(
    for slot: UInt32, _ purpose: CredentialPurpose, by deadline: EngineInstant
  ) -> UInt32 {
    let ticket = nextTicket(slot)
    services.pool?.request(ticket, purpose: purpose, by: deadline)
    return ticket.serial
  }

  func requestAdmission(
    for slot: UInt32, _ urgency: DialUrgency, by deadline: EngineInstant
  ) -> UInt32 {
    let ticket = nextTicket(slot)
    services.admission.request(ticket, urgency.dialClass, by: deadline)
    return ticket.serial
  }

  func cancelRequests(of slot: UInt32, serial: UInt32) {
    let ticket = Ticket(shard: index, slot: slot, serial: serial)
    services.pool?.cancel(ticket)
    services.admission.cancel(ticket)
  }

  func startDial(_ request: DialRequest, address: SessionAddress, serial: UInt32) {
    let ticket = Ticket(shard: index, slot: address.slot, serial: serial)
    pending.append(
      .dial(request, services.transport, address, ticket, mailbox: mailbox))
    // A turn of the loop that is under way starts it at its end.
    if !isPerforming { mailbox.ring() }
  }

  func handleChanged(_ handle: Secret?, model: String, id: String) {
    guard services.store != nil else { return }
    let life = services.configuration.handleLife
    let record = handle.map { handle in
      StoredResumption(
        handle: handle, model: model, savedAt: clock.wallTime,
        expiresAt: clock.wallTime.advanced(by: life))
    }
    unwrittenHandles.note(record, id: id)
    mailbox.ring()
  }

  /// Returns when no handle waits to be stored, or the broker has stopped.
  func handlesAreStored() async {
    guard !mailbox.isClosed else { return }
    await withCheckedContinuation { unwrittenHandles.whenStored($0) }
  }

  private func nextTicket(_ slot: UInt32) -> Ticket {
    requestSerial = requestSerial == .max ? 1 : requestSerial + 1
    return Ticket(shard: index, slot: slot, serial: requestSerial)
  }

  /// The session that still waits for the answer to this ticket.
  private func asker(_ ticket: Ticket) -> Session? {
    guard ticket.slot < sessions.count, let session = sessions[Int(ticket.slot)] else { return nil }
    return session.assumeIsolated { session in
      guard session.requestSerial == ticket.serial else { return nil }
      return session
    }
  }

  private func credential(_ ticket: Ticket, _ result: Result<VendedToken, TokenPoolError>) {
    guard let session = asker(ticket) else { return }
    session.assumeIsolated { session in
      switch result {
      case .success(let vended): session.credentialDelivered(vended)
      case .failure(let error):
        session.feed { machine, context in machine.credentialFailed(error.verdict, context) }
      }
    }
  }

  private func admitted(_ ticket: Ticket) {
    guard let session = asker(ticket) else {
      return services.admission.finish(ticket, .abandoned)
    }
    let isDialling = session.assumeIsolated { session in
      session.admitted()
      return session.machine.attempt?.phase == .dialing
    }
    if !isDialling { services.admission.finish(ticket, .abandoned) }
  }

  private func dialed(_ address: SessionAddress, _ ticket: Ticket, _ result: DialResult) {
    services.admission.finish(ticket, DialOutcome(result.outcome))
    guard let session = session(address) else {
      (try? result.outcome.get())?.abort()
      return
    }
    session.assumeIsolated { session in
      switch result.outcome {
      case .success(let connection): session.dialed(result.generation, connection)
      case .failure(let error): session.dialFailed(result.generation, error)
      }
    }
  }
}
