// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker
internal import Synchronization

/// The hands of an emulated network: lock, timers, continuations and sinks around the value that
/// decides.
final class NetworkHub: Sendable {
  private struct State {
    var fabric: NetworkFabric
    var ends: [ClientEnd?] = []
    var mints: [UInt64: UnsafeContinuation<MintOutcome, Never>] = [:]
    /// The earliest instant for which a timer is set; later ones may be set too.
    var armed = Int64.max

    /// Takes the network's next step; does not keep the network alive.
    ///
    /// It is a field here and not the value of a mutex of its own: a function that is reached
    /// through a generic `inout` is wrapped once more by every access.
    var step: (@Sendable () -> Void)?

    /// The timer that must be set now, if it is not set yet.
    mutating func wakeUp() -> WakeUp? {
      guard let step, let next = fabric.nextInstant, next < armed else { return nil }
      armed = next
      return WakeUp(instant: next, step: step)
    }
  }

  private struct WakeUp: Sendable {
    let instant: Int64
    let step: @Sendable () -> Void
  }

  private let state: Mutex<State>
  private let core: SimulationCore

  init(core: SimulationCore, fabric: NetworkFabric) {
    self.core = core
    state = Mutex(State(fabric: fabric))
    state.withLock { $0.step = { [weak self] in self?.runStep() } }
  }

  func look<R: Sendable>(_ body: (borrowing NetworkFabric) -> R) -> R {
    state.withLock { body($0.fabric) }
  }

  func change<R: Sendable>(_ body: (inout NetworkFabric, Int64) -> R) -> R {
    changeState { body(&$0.fabric, $1) }
  }

  // MARK: Dialling

  func beginDial(
    _ request: DialRequest, _ answer: @escaping ClientEnd.DialAnswer
  ) -> any DialUnderWay {
    let (slot, id) = changeState { state, now in
      let place = state.fabric.dialed(request, at: now)
      while state.ends.count <= place.slot { state.ends.append(nil) }
      state.ends[place.slot] = ClientEnd(
        id: place.id, request: request, dialling: answer, core: core)
      return place
    }
    return EmulatedConnection(hub: self, slot: slot, id: id)
  }

  func cancelDial(_ slot: Int, _ id: ConnectionID) {
    let end = changeState { state, now -> ClientEnd? in
      guard let end = state.ends[slot], end.id == id, !end.isOpen else { return nil }
      state.fabric.dialCancelled(slot, id, at: now)
      state.ends[slot] = nil
      return end
    }
    end?.answerCancelled()
  }

  // MARK: Minting

  func mint(_ credential: Credential, _ body: [UInt8]) async -> MintOutcome {
    if Task.isCancelled { return .cancelled }
    let id = changeState { $0.fabric.mintSent(credential, body, at: $1) }
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
      let continuation = changeState { state, _ in
        state.fabric.mintCancelled(id)
        return state.mints.removeValue(forKey: id)
      }
      continuation?.resume(returning: .cancelled)
    }
  }

  // MARK: What connections ask

  func send(_ frame: OutboundFrame, _ slot: Int, _ id: ConnectionID) {
    changeState { $0.fabric.sent(frame, slot, id, at: $1) }
  }

  func close(_ slot: Int, _ id: ConnectionID, code: UInt16, reason: String) {
    changeState { $0.fabric.closed(slot, id, code: code, reason: reason, at: $1) }
  }

  func abort(_ slot: Int, _ id: ConnectionID) {
    // The end is released after the lock.
    let end = changeState { state, now -> ClientEnd? in
      state.fabric.aborted(slot, id, at: now)
      guard state.ends[slot]?.id == id else { return nil }
      return state.ends[slot].take()
    }
    withExtendedLifetime(end) {}
  }

  func setReading(_ enabled: Bool, _ slot: Int, _ id: ConnectionID) {
    changeState { $0.fabric.readingChanged(slot, id, enabled, at: $1) }
  }

  // MARK: Stepping

  /// Changes the state under the lock, then sees to it that the next step will come.
  private func changeState<R: Sendable>(_ body: (inout State, Int64) -> R) -> R {
    let now = core.now
    let (result, wakeUp) = state.withLock { state in
      let result = body(&state, now)
      return (result, state.wakeUp())
    }
    if let wakeUp { arm(wakeUp) }
    return result
  }

  private func arm(_ wakeUp: WakeUp) {
    core.schedule(wakeUp.step, .shared, at: wakeUp.instant)
  }

  /// One thing at a time, so that what it makes ready runs before the next.
  private func runStep() {
    let now = core.now
    let (handOver, wakeUp) = state.withLock { state in
      if state.armed <= now { state.armed = .max }
      let effect = state.fabric.step(at: now)
      return (self.handOver(effect, &state), state.wakeUp())
    }
    if let wakeUp { arm(wakeUp) }
    switch handOver {
    case .nothing: break
    case .toSink(let end, let event): end.tell(event)
    case .dialled(let end, let outcome): end.answer(outcome)
    case .minted(let continuation, let outcome): continuation?.resume(returning: outcome)
    }
  }

  /// An effect together with whom it concerns, to be performed after the lock.
  private enum HandOver: Sendable {
    case nothing
    case toSink(ClientEnd, ClientEnd.Event)
    case dialled(ClientEnd, Result<any LiveConnection, TransportError>)
    case minted(UnsafeContinuation<MintOutcome, Never>?, MintOutcome)
  }

  private func handOver(_ effect: NetworkEffect, _ state: inout State) -> HandOver {
    switch effect {
    case .nothing: return .nothing
    case .deliver(let slot, let bytes):
      return state.ends[slot].map { .toSink($0, .message(bytes)) } ?? .nothing
    case .pong(let slot, let data):
      return state.ends[slot].map { .toSink($0, .signal(.pong(data))) } ?? .nothing
    case .writable(let slot, let isWritable):
      return state.ends[slot].map { .toSink($0, .signal(.writable(isWritable))) } ?? .nothing
    case .closed(let slot, let code, let reason):
      let signal = ConnectionSignal.closed(code: code, reason: reason)
      return state.ends[slot].take().map { .toSink($0, .signal(signal)) } ?? .nothing
    case .lost(let slot):
      let error = TransportError(.connectionLost, message: "The connection was reset.")
      return state.ends[slot].take().map { .toSink($0, .signal(.failed(error))) } ?? .nothing
    case .tooLarge(let slot):
      let error = TransportError(.protocolViolation, message: "A message was too large.")
      return state.ends[slot].take().map { .toSink($0, .signal(.failed(error))) } ?? .nothing
    case .opened(let slot):
      guard let end = state.ends[slot] else { return .nothing }
      state.ends[slot]?.isOpen = true
      state.ends[slot]?.dialling = nil
      let connection = EmulatedConnection(hub: self, slot: slot, id: end.id)
      return .dialled(end, .success(connection))
    case .dialFailed(let slot, let error):
      return state.ends[slot].take().map { .dialled($0, .failure(error)) } ?? .nothing
    case .mintAnswered(let id, let answer):
      return .minted(state.mints.removeValue(forKey: id), .answered(answer))
    case .mintTimedOut(let id):
      return .minted(state.mints.removeValue(forKey: id), .timedOut)
    }
  }
}
