// SPDX-License-Identifier: Apache-2.0

/// Handles that changed and are not in the store yet: the newest of each session only, in the order
/// of change, one batch at a time, so that an older handle never overwrites a newer one.
///
/// Bounded by the number of sessions.
struct HandleWrites {
  private var records: [String: StoredResumption?] = [:]
  private var order: [String] = []
  /// Whether a batch is on its way to the store.
  private var isWriting = false
  private var waiters: [CheckedContinuation<Void, Never>] = []

  /// Whether there is a batch to begin.
  var areWaiting: Bool { !order.isEmpty && !isWriting }

  /// The batch is in the store, as far as it could be.
  mutating func written() {
    isWriting = false
    if order.isEmpty { abandon() }
  }

  /// Resumes `continuation` once nothing waits to be stored.
  mutating func whenStored(_ continuation: CheckedContinuation<Void, Never>) {
    guard isWriting || !order.isEmpty else { return continuation.resume() }
    waiters.append(continuation)
  }

  /// Nothing will be stored any more: nobody waits for it.
  mutating func abandon() {
    for waiter in waiters { waiter.resume() }
    waiters = []
  }

  /// Notes the newest record of a session; nil removes what is stored.
  mutating func note(_ record: StoredResumption?, id: String) {
    if records.updateValue(record, forKey: id) == nil { order.append(id) }
  }

  /// Writes what has changed. A write that fails is counted and not repeated: the next handle comes
  /// within seconds, and a session never waits for its store.
  mutating func start(
    _ store: (any ResumptionStore)?, _ mailbox: Mailbox<ShardInput>,
    in group: inout DiscardingTaskGroup
  ) {
    guard let store, !order.isEmpty, !isWriting else { return }
    isWriting = true
    let batch = order.map { id in (id, records[id] ?? nil) }
    records = [:]
    order = []
    group.addTask {
      Census.taskBegan()
      defer { Census.taskEnded() }
      var failures = 0
      for (id, record) in batch {
        do {
          if let record {
            try await store.save(record, for: id)
          } else {
            try await store.remove(id)
          }
        } catch {
          failures += 1
        }
      }
      mailbox.post(.handlesWritten(failures: failures))
    }
  }
}
