// SPDX-License-Identifier: Apache-2.0

public import LiveBroker
internal import Synchronization

/// A network in memory, in virtual time, with an emulated service at its far end.
///
/// It stands in for sockets, TLS and HTTP: a broker dials through it (``dial(_:)``) and mints
/// through it (``minter(apiKey:)``), and cannot tell the difference. A message takes half a round
/// trip, a dial three of them, a close one; what arrives at one instant is served in the order in
/// which it was sent, over all connections. What arrives for a client is given to its sink inside
/// the connection's executor, synchronously.
///
/// All methods may be called from anywhere in the simulation, and from outside between its runs.
public final class EmulatedNetwork<Service: EmulatedService>: LiveTransport {
  private struct State {
    var fabric: NetworkFabric<Service>
    var ends: [ClientEnd?] = []
    var mints: [UInt64: UnsafeContinuation<MintOutcome, Never>] = [:]
    /// The earliest instant for which a timer is set; later ones may be set too.
    var armed = Int64.max

    /// The instant for which a timer must be set now, if it is not set yet.
    mutating func wakeUp() -> Int64? {
      guard let next = fabric.nextInstant, next < armed else { return nil }
      armed = next
      return next
    }
  }

  private let state: Mutex<State>
  private let core: SimulationCore
  /// Fires the network's next step; does not keep the network alive.
  private let step: Mutex<(@Sendable () -> Void)?>

  /// Makes a network in a simulation.
  ///
  /// - Parameters:
  ///   - simulation: Gives time and, with its seed, chance. It must outlive the network's use.
  ///   - service: The far end.
  ///   - configuration: Delays, limits and faults.
  ///   - trace: Is told every event; nil costs nothing.
  public init(
    simulation: Simulation, service: Service,
    configuration: NetworkConfiguration = NetworkConfiguration(), trace: Trace? = nil
  ) {
    core = simulation.core
    let fabric = NetworkFabric(
      service: service, configuration: configuration, seed: simulation.makeSeed(), trace: trace)
    state = Mutex(State(fabric: fabric))
    step = Mutex(nil)
    step.withLock { $0 = { [weak self] in self?.runStep() } }
  }

  /// What the network has seen so far.
  public var figures: NetworkFigures { state.withLock { $0.fabric.figures } }

  /// Looks at the service, or changes it: its report, its faults. The closure must not call the
  /// network. What the service then wants sent goes out at once.
  public func withService<R: Sendable>(_ body: (inout Service) -> R) -> R {
    change { state, now in
      let result = body(&state.fabric.service)
      state.fabric.carryOut(at: now)
      return result
    }
  }

  /// Begins to look for ``NetworkFigures/peakUpgradesPerSecond`` anew.
  public func beginPeak() { state.withLock { $0.fabric.beginPeak() } }

  // MARK: Faults by order

  /// Connections that are open at the service, the oldest first.
  public var openConnections: [ConnectionID] { state.withLock { $0.fabric.openConnections } }

  /// Cuts all connections at once: the service knows now, each client half a round trip later.
  public func dropEverything() { change { $0.fabric.cutEverything(at: $1) } }

  /// Cuts one connection without a close frame; does nothing if it is not open.
  public func drop(_ connection: ConnectionID) {
    change { state, now in
      if let slot = state.fabric.slots[connection] { state.fabric.cut(slot, at: now) }
    }
  }

  /// Makes one connection half open: nothing passes any more, and nobody is told. The service
  /// notices after ``NetworkConfiguration/silenceDetection``.
  public func silence(_ connection: ConnectionID) {
    change { state, now in
      if let slot = state.fabric.slots[connection] { state.fabric.silence(slot, at: now) }
    }
  }

  /// Cuts directions of the whole network, or heals it (`[]`). Dials that meet a partition end by
  /// their deadlines; what is under way on open connections waits, and goes on in order afterwards.
  public func partition(_ directions: NetworkPartition) {
    change { $0.fabric.partitioned(directions, at: $1) }
  }

  // MARK: Dialling

  /// Opens a connection in three round trips (two without TLS).
  public func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection {
    if Task.isCancelled { throw Self.cancelled }
    let (slot, id) = change { state, now in
      let place = state.fabric.dialed(request, at: now)
      while state.ends.count <= place.slot { state.ends.append(nil) }
      state.ends[place.slot] = ClientEnd(id: place.id, request: request, core: core)
      return place
    }
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { self.wait($0, slot, id) }
    } onCancel: {
      self.cancelDial(slot, id)
    }
    if let error = result { throw error }
    let connection = EmulatedConnection(network: self, slot: slot, id: id)
    guard !Task.isCancelled else {
      connection.abort()
      throw Self.cancelled
    }
    return connection
  }

  private static var cancelled: TransportError {
    TransportError(.cancelled, message: "The dial was cancelled.")
  }

  private func wait(
    _ continuation: UnsafeContinuation<TransportError?, Never>, _ slot: Int, _ id: ConnectionID
  ) {
    let isWaiting = state.withLock { state in
      guard state.ends[slot]?.id == id else { return false }
      state.ends[slot]?.dialling = continuation
      return true
    }
    // The end is gone if the cancellation came first.
    if !isWaiting { continuation.resume(returning: Self.cancelled) }
  }

  private func cancelDial(_ slot: Int, _ id: ConnectionID) {
    let end = change { state, now -> ClientEnd? in
      guard let end = state.ends[slot], end.id == id, !end.isOpen else { return nil }
      state.fabric.dialCancelled(slot, id, at: now)
      state.ends[slot] = nil
      return end
    }
    end?.dialling?.resume(returning: Self.cancelled)
  }

  // MARK: Minting

  /// The face of this network that mints tokens with an API key.
  public func minter(apiKey: Secret) -> any TokenMinter {
    EmulatedMinter(apiKey: apiKey) { credential, body in
      await self.mint(credential, body)
    }
  }

  private func mint(_ credential: Credential, _ body: [UInt8]) async -> MintOutcome {
    if Task.isCancelled { return .cancelled }
    let id = change { $0.fabric.mintSent(credential, body, at: $1) }
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let isWaiting = state.withLock { state in
          guard state.fabric.mints[id] != nil else { return false }
          state.mints[id] = continuation
          return true
        }
        if !isWaiting { continuation.resume(returning: .cancelled) }
      }
    } onCancel: {
      let continuation = change { state, _ in
        state.fabric.mintCancelled(id)
        return state.mints.removeValue(forKey: id)
      }
      continuation?.resume(returning: .cancelled)
    }
  }

  // MARK: What connections ask

  func send(_ frame: OutboundFrame, _ slot: Int, _ id: ConnectionID) {
    change { $0.fabric.sent(frame, slot, id, at: $1) }
  }

  func close(_ slot: Int, _ id: ConnectionID, code: UInt16, reason: String) {
    change { $0.fabric.closed(slot, id, code: code, reason: reason, at: $1) }
  }

  func abort(_ slot: Int, _ id: ConnectionID) {
    // The end is released after the lock.
    let end = change { state, now -> ClientEnd? in
      state.fabric.aborted(slot, id, at: now)
      guard state.ends[slot]?.id == id else { return nil }
      return state.ends[slot].take()
    }
    withExtendedLifetime(end) {}
  }

  func setReading(_ enabled: Bool, _ slot: Int, _ id: ConnectionID) {
    change { $0.fabric.readingChanged(slot, id, enabled, at: $1) }
  }

  // MARK: Stepping

  /// Changes the state under the lock, then sees to it that the next step will come.
  private func change<R: Sendable>(_ body: (inout State, Int64) -> R) -> R {
    let now = core.now
    let (result, wakeUp) = state.withLock { state in
      let result = body(&state, now)
      return (result, state.wakeUp())
    }
    if let wakeUp { arm(wakeUp) }
    return result
  }

  private func arm(_ instant: Int64) {
    guard let step = step.withLock({ $0 }) else { return }
    core.schedule(step, .shared, at: instant)
  }

  /// One thing at a time, so that what it makes ready runs before the next.
  private func runStep() {
    let now = core.now
    let (handOver, wakeUp) = state.withLock { state in
      if state.armed <= now { state.armed = .max }
      let effect = state.fabric.step(at: now)
      return (Self.handOver(effect, &state), state.wakeUp())
    }
    if let wakeUp { arm(wakeUp) }
    switch handOver {
    case .nothing: break
    case .toSink(let end, let event): end.tell(event)
    case .dialled(let continuation, let error): continuation?.resume(returning: error)
    case .minted(let continuation, let outcome): continuation?.resume(returning: outcome)
    }
  }

  /// An effect together with whom it concerns, to be performed after the lock.
  private enum HandOver: Sendable {
    case nothing
    case toSink(ClientEnd, ClientEnd.Event)
    case dialled(UnsafeContinuation<TransportError?, Never>?, TransportError?)
    case minted(UnsafeContinuation<MintOutcome, Never>?, MintOutcome)
  }

  private static func handOver(_ effect: NetworkEffect, _ state: inout State) -> HandOver {
    switch effect {
    case .nothing: return .nothing
    case .deliver(let slot, let bytes):
      return state.ends[slot].map { .toSink($0, .message(bytes)) } ?? .nothing
    case .pong(let slot):
      return state.ends[slot].map { .toSink($0, .signal(.pong)) } ?? .nothing
    case .writable(let slot, let isWritable):
      return state.ends[slot].map { .toSink($0, .signal(.writable(isWritable))) } ?? .nothing
    case .closed(let slot, let code, let reason):
      let signal = ConnectionSignal.closed(code: code, reason: reason)
      return state.ends[slot].take().map { .toSink($0, .signal(signal)) } ?? .nothing
    case .lost(let slot):
      let error = TransportError(.connectionLost, message: "The connection was reset.")
      return state.ends[slot].take().map { .toSink($0, .signal(.failed(error))) } ?? .nothing
    case .opened(let slot):
      state.ends[slot]?.isOpen = true
      return .dialled(state.ends[slot]?.dialling.take(), nil)
    case .dialFailed(let slot, let error):
      return .dialled(state.ends[slot].take()?.dialling, error)
    case .mintAnswered(let id, let answer):
      return .minted(state.mints.removeValue(forKey: id), .answered(answer))
    case .mintTimedOut(let id):
      return .minted(state.mints.removeValue(forKey: id), .timedOut)
    }
  }
}
