// SPDX-License-Identifier: Apache-2.0

/// The actor of one session: its mailbox and its hands.
///
/// It feeds its ``SessionMachine`` and performs the answers; what to do is decided there. It lives
/// on its shard's executor and is entered synchronously, by the shard's loop and by the connection's
/// events. It owns no task, no stream and no timer: the shard keeps one wheel entry for it.
actor Session {
  // In the order of their sizes: a hundred thousand of these lie in memory.
  nonisolated let port: SessionPort
  let resumption: Resumption
  var token: Token?
  var load: SessionLoad?
  /// What exists only while a connection is being prepared.
  private var preparation: Preparation?
  // Unchecked: the machine is a value whose functions call nobody back.
  @exclusivity(unchecked) var machine = SessionMachine()
  /// Place of the next byte in the session's audio stream.
  var audioOffset: Int
  /// When the wheel will look at the session.
  var armedAt: EngineInstant = .never
  /// The connection that is live, or closing after it was.
  var current: Link?
  /// Tokens that the service counted, over all connections.
  var totalTokens: UInt32
  /// Number of what was last asked of pool or admission, and then of the dial that was let; an answer
  /// to an earlier one is stale. Zero once nothing is asked.
  var requestSerial: UInt32 = 0
  /// Whether the service seems to remember what it was told before a resume.
  var memory: MemoryCheck
  /// Messages sent on the current connection, the setup left out: the number of the last one.
  var sentMessages: UInt32 = 0
  var isWritable = true

  /// A connection and its number.
  struct Link {
    var connection: any LiveConnection
    var generation: UInt32
  }

  /// The end of a connection that was told before the outcome of its dial had come through.
  struct EarlyEnd {
    var generation: UInt32
    var signal: ConnectionSignal
  }

  /// What a session needs while it gets a connection, and not while it has one.
  private final class Preparation {
    var link: Link?
    var opening: CheckedContinuation<Void, any Error>?
    var earlyEnd: EarlyEnd?

    var isOver: Bool { link == nil && opening == nil && earlyEnd == nil }
  }

  /// The connection that is being prepared.
  var upcoming: Link? {
    get { preparation?.link }
    set { prepare { $0.link = newValue } }
  }

  /// Who waits for the first connection.
  var opening: CheckedContinuation<Void, any Error>? {
    get { preparation?.opening }
    set {
      guard newValue != nil || preparation != nil else { return }
      prepare { $0.opening = newValue }
    }
  }

  /// The service may hang up right behind the upgrade, and sockets are quicker than inboxes.
  var earlyEnd: EarlyEnd? {
    get { preparation?.earlyEnd }
    set { prepare { $0.earlyEnd = newValue } }
  }

  private func prepare(_ change: (Preparation) -> Void) {
    let preparation = preparation ?? Preparation()
    change(preparation)
    self.preparation = preparation.isOver ? nil : preparation
  }

  nonisolated var plan: SessionPlan { port.plan }

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    port.shard.executor.asUnownedSerialExecutor()
  }

  init(_ estate: SessionEstate, opening: CheckedContinuation<Void, any Error>?) {
    port = estate.port
    resumption = estate.resumption
    token = estate.token
    load = estate.load
    audioOffset = estate.audioOffset
    totalTokens = estate.totalTokens
    memory = estate.memory
    Census.actorBegan()
    guard let opening else { return }
    let preparation = Preparation()
    preparation.opening = opening
    self.preparation = preparation
  }

  deinit { Census.actorEnded() }

  /// What comes with an input now.
  var context: SessionMachine.Context {
    port.shard.context(of: port.address.slot, limits: plan.limits)
  }

  /// Feeds one input to the machine and does what it answers, then looks whether the phase changed
  /// and when the session must be looked at again.
  func feed(_ input: (inout SessionMachine, SessionMachine.Context) -> [SessionMachine.Action]) {
    let context = context
    for action in input(&machine, context) { perform(action, context) }
    settle(at: context.now)
  }

  /// Publishes a change of phase and keeps the wheel entry early enough.
  func settle(at now: EngineInstant) {
    let deadline = publishPhase(at: now)
    guard deadline < armedAt else { return }
    armedAt = deadline
    Shard.Entry.arm(port.shard, (port.address.slot, deadline))
  }

  /// Tells the observers if the phase has changed; gives the next deadline.
  @discardableResult
  func publishPhase(at now: EngineInstant) -> EngineInstant {
    let (change, deadline) = machine.review(plan.limits)
    guard let change else { return deadline }
    let missed = port.publish(SessionTransition(from: change.from, to: change.to, at: now))
    if missed > 0 { port.shard.assumeIsolated { $0.counters.missedEvents += missed } }
    return deadline
  }

  /// The wheel entry came due.
  func timerFired() {
    armedAt = .never
    if machine.isDisconnected { machine.handleUpdated(handleFacts()) }
    feed { machine, context in machine.timerFired(context) }
  }

  /// What a new actor for the same session starts from.
  func estate() -> SessionEstate {
    SessionEstate(
      port: port, resumption: resumption, token: token, load: load,
      audioOffset: audioOffset, machine: machine.restartEstate, totalTokens: totalTokens,
      memory: memory)
  }

  func handleFacts() -> SessionMachine.HandleFacts {
    // What would lapse before a dial is through is not counted on.
    let dialed = port.shard.now.advanced(byNanoseconds: plan.limits.dial)
    var facts = Resumption.Entry.facts(resumption, dialed)
    facts.coversAll = load?.ledger.isEmpty ?? true
    return facts
  }

  func loadInUse() -> SessionLoad {
    let load = load ?? SessionLoad()
    self.load = load
    return load
  }
}
