// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Which sessions there are, by id, and which places on the shards are free.
final class SessionRegistry: Sendable {
  private struct State {
    var ports = PortTable()
    var places: [Places]
    var nextShard = 0
    var isClosed = false
    var drained: [CheckedContinuation<Void, Never>] = []
  }

  /// The slots of one shard.
  private struct Places {
    var free: [UInt32] = []
    var used: UInt32 = 0
    var tenant: UInt32 = 0

    mutating func take() -> SessionAddress {
      tenant &+= 1
      if let slot = free.popLast() { return SessionAddress(slot: slot, tenant: tenant) }
      defer { used += 1 }
      return SessionAddress(slot: used, tenant: tenant)
    }
  }

  private let state: Mutex<State>

  init(shards: Int) {
    state = Mutex(State(places: Array(repeating: Places(), count: shards)))
  }

  /// Gives a session its place, on the shard whose turn it is.
  func add(
    id: SessionID, plan: SessionPlan, shards: [Shard]
  ) throws(BrokerError) -> SessionPort {
    let answer: Result<SessionPort, BrokerError> = state.withLock { state in
      guard !state.isClosed else {
        return .failure(BrokerError(.draining, message: "the broker takes no new sessions"))
      }
      guard state.ports.find(id) == nil else {
        return .failure(
          BrokerError(.duplicateID, message: "a session with this id exists: \(id.text)"))
      }
      let shard = state.nextShard
      state.nextShard = (shard + 1) % shards.count
      let port = SessionPort(
        id: id, plan: plan, shard: shards[shard], address: state.places[shard].take())
      state.ports.insert(port)
      return .success(port)
    }
    return try answer.get()
  }

  func find(_ id: String) -> SessionPort? {
    let id = SessionID(id)
    return state.withLock { $0.ports.find(id) }
  }

  var count: Int { state.withLock { $0.ports.count } }

  /// Takes a session out that has ended, and frees its place.
  func free(_ port: SessionPort) {
    let waiters = state.withLock { state in
      guard state.ports.find(port.id) === port else { return [CheckedContinuation<Void, Never>]() }
      state.ports.remove(port.id)
      state.places[Int(port.shard.index)].free.append(port.address.slot)
      guard state.isClosed, state.ports.isEmpty else { return [] }
      defer { state.drained = [] }
      return state.drained
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Refuses new sessions from now on.
  func close() { state.withLock { $0.isClosed = true } }

  /// Returns when the last session has gone, after ``close()``.
  func waitUntilEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        guard !state.ports.isEmpty else { return true }
        state.drained.append(continuation)
        return false
      }
      if isEmpty { continuation.resume() }
    }
  }
}
