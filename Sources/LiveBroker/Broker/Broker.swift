// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Brokers Live sessions: opens them, carries them through every limit of the service, and tells the
/// truth about what could not be saved.
///
/// A broker lives as long as its ``run()``: everything it does happens in that call's child tasks.
/// All other methods may be called from any task, while it runs.
public final class Broker: Sendable {
  let services: ShardServices
  let shards: [Shard]
  let clientTokens: ClientTokens
  private let runtime: BrokerRuntime
  private let state: Mutex<State>
  private let supervisor: Supervisor

  private struct State {
    var hasRun = false
    var generator: SplitMix64
    /// The configuration of the session opened last, encoded: sessions of one kind share it.
    var plan: SessionPlan?
  }

  /// Makes a broker; nothing happens before ``run()``.
  ///
  /// - Parameters:
  ///   - configuration: The service, the credentials and the limits.
  ///   - transport: The network.
  ///   - runtime: Clock, executors and chance. Default: this host's clock and a thread per core.
  public init(
    configuration: BrokerConfiguration, transport: any LiveTransport,
    runtime: BrokerRuntime = .system
  ) {
    var generator = SplitMix64(seed: runtime.seed)
    let inboxes = ShardInboxes()
    let admission = Admission(
      configuration: configuration.admission, clock: runtime.clock,
      executor: runtime.controlExecutor, seed: generator.next(), grant: inboxes.admitted)
    let poolSeed = generator.next()
    var pool: TokenPool?
    if case .tokens(let minter, let poolConfiguration) = configuration.credentials.kind {
      pool = TokenPool(
        configuration: poolConfiguration, minter: minter, clock: runtime.clock,
        executor: runtime.controlExecutor, seed: poolSeed, deliver: inboxes.credential)
    }
    services = ShardServices(
      configuration: configuration, transport: transport, admission: admission, pool: pool,
      registry: SessionRegistry(shards: runtime.shardExecutors.count))
    var shards: [Shard] = []
    for (index, executor) in runtime.shardExecutors.enumerated() {
      shards.append(
        Shard(
          index: UInt16(clamping: index), executor: executor, clock: runtime.clock,
          seed: generator.next(), services: services))
    }
    inboxes.connect(shards.map(\.mailbox))
    self.shards = shards
    self.runtime = runtime
    clientTokens = ClientTokens(configuration, runtime)
    state = Mutex(State(generator: generator))
    supervisor = Supervisor(
      strategy: .oneForOne, limits: configuration.supervision.brokerLimits, clock: runtime.clock,
      children: Self.children(services, shards, runtime))
  }

  /// Runs the broker until the task is cancelled, it is drained, or a part of it fails too often.
  /// A broker runs once.
  ///
  /// - Throws: ``BrokerError`` when called twice, or when supervision gives up.
  public func run() async throws {
    let isFirst = state.withLock { state in
      defer { state.hasRun = true }
      return !state.hasRun
    }
    guard isFirst else {
      throw BrokerError(.alreadyRun, message: "a broker runs once; make another one")
    }
    try services.configuration.check()
    for executor in runtime.shardExecutors { executor.start() }
    runtime.controlExecutor.start()
    var failure: (any Error)?
    do throws(SupervisionFailure) { try await supervisor.run() } catch { failure = error }
    services.registry.close()
    clientTokens.close()
    for shard in shards { await shard.shutDown() }
    for executor in runtime.shardExecutors { executor.stop() }
    runtime.controlExecutor.stop()
    if let failure {
      throw BrokerError(.partFailed, message: "\(failure)", cause: failure)
    }
  }

  /// Opens a session and returns when it is live.
  ///
  /// - Parameters:
  ///   - configuration: What the session asks for.
  ///   - id: Its name; a random one by default. With a ``BrokerConfiguration/store``, a session whose
  ///     handle is stored under this name is resumed.
  /// - Throws: ``BrokerError`` when the service refuses, no credential can be had, the setup cannot
  ///   be sent, the broker is draining or stopped, the name is taken, or the calling task is
  ///   cancelled.
  public func openSession(
    _ configuration: SessionConfiguration, id: String? = nil
  ) async throws(BrokerError) -> LiveSession {
    try services.configuration.check()
    let (stored, start) = await stored(id, configuration)
    let port = try services.registry.add(
      id: id.map(SessionID.init) ?? newID(), plan: try plan(for: configuration), shards: shards)
    if start != .fresh { port.start = start }
    do {
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
          if port.shard.mailbox.post(.open(port, stored, continuation)) {
            // A cancellation before this moment found nothing to close.
            if Task.isCancelled { port.shard.mailbox.post(.close(port.address, .openingCancelled)) }
            return
          }
          services.registry.free(port)
          continuation.resume(
            throwing: BrokerError(.brokerStopped, message: "the broker's run() has ended"))
        }
      } onCancel: {
        port.shard.mailbox.post(.close(port.address, .openingCancelled))
      }
    } catch {
      throw error as? BrokerError
        ?? BrokerError(.sessionFailed, message: "the session could not be opened", cause: error)
    }
    return LiveSession(port: port)
  }

  /// Opens a session, lends it to `body`, and closes it on every way out.
  ///
  /// - Throws: What ``openSession(_:id:)`` and `body` throw.
  public func withSession<R: Sendable>(
    _ configuration: SessionConfiguration, id: String? = nil,
    _ body: (LiveSession) async throws -> R
  ) async throws -> R {
    let session = try await openSession(configuration, id: id)
    do {
      let result = try await body(session)
      await session.close()
      return result
    } catch {
      await session.close()
      throw error
    }
  }

  /// The session of this name, if there is one.
  public func session(id: String) -> LiveSession? {
    services.registry.find(id).map(LiveSession.init(port:))
  }

  /// Takes no new sessions, lets those there are end at a quiet moment, at the latest after `limit`,
  /// hands their handles to the store, and then ends ``run()``.
  public func drain(within limit: Duration) async {
    services.registry.close()
    let deadline = runtime.clock.now.advanced(by: limit)
    for shard in shards { shard.mailbox.post(.drain(by: deadline)) }
    await services.registry.waitUntilEmpty()
    for shard in shards { await shard.handlesAreStored() }
    supervisor.stop()
  }

  /// Each part's task prefers the part's own executor, if that runs tasks, as an event loop does:
  /// then a ring of its bell changes no thread.
  private static func children(
    _ services: ShardServices, _ shards: [Shard], _ runtime: BrokerRuntime
  ) -> [SupervisedChild] {
    let control = runtime.controlExecutor as? any TaskExecutor
    var children = [
      SupervisedChild("admission", .permanent, on: control) { await services.admission.run() }
    ]
    if let pool = services.pool {
      children.append(
        SupervisedChild("token-pool", .permanent, on: control) { try await pool.run() })
    }
    for shard in shards {
      let executor = shard.executor as? any TaskExecutor
      children.append(
        SupervisedChild("shard-\(shard.index)", .permanent, on: executor) { try await shard.run() })
    }
    return children
  }

  /// What is stored under a session's name, if it can be used, and how the session begins by it.
  private func stored(
    _ id: String?, _ configuration: SessionConfiguration
  ) async -> (StoredResumption?, SessionStart) {
    guard let id, let store = services.store else { return (nil, .fresh) }
    do {
      guard let record = try await store.load(id) else { return (nil, .fresh) }
      guard record.model == configuration.setup.model, record.handle.count > 0,
        record.expiresAt > runtime.clock.wallTime
      else { return (nil, .storedHandleUnusable) }
      return (record, .resumed)
    } catch {
      // The store is an optimisation: a session that cannot be resumed begins anew, and says so.
      return (nil, .storeFailed)
    }
  }

  private func plan(
    for configuration: SessionConfiguration
  ) throws(BrokerError) -> SessionPlan {
    let cached = state.withLock { $0.plan }
    if let cached, cached.configuration == configuration { return cached }
    do { try configuration.setup.validate() } catch {
      throw BrokerError(
        .invalidConfiguration, message: "the setup cannot be sent: \(error)", cause: error)
    }
    let plan = SessionPlan(configuration)
    state.withLock { $0.plan = plan }
    return plan
  }

  /// A random name in the form of a UUID, from the broker's own generator.
  private func newID() -> SessionID {
    state.withLock { .bits($0.generator.next(), $0.generator.next()) }
  }
}

/// Runs a broker for as long as `body` takes, and stops it on every way out.
///
/// - Throws: What `body` throws, or what ``Broker/run()`` throws if it fails first.
public func withBroker<R: Sendable>(
  configuration: BrokerConfiguration, transport: any LiveTransport,
  runtime: BrokerRuntime = .system, _ body: @Sendable (Broker) async throws -> R
) async throws -> R {
  let broker = Broker(configuration: configuration, transport: transport, runtime: runtime)
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await broker.run() }
    let result: R
    do {
      result = try await body(broker)
    } catch {
      group.cancelAll()
      throw error
    }
    group.cancelAll()
    do {
      try await group.waitForAll()
    } catch is CancellationError {}
    return result
  }
}
