// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A store that lives as long as its object: for tests, and for brokers that follow one another in
/// one process.
public final class InMemoryResumptionStore: ResumptionStore {
  private let records = Mutex<[String: StoredResumption]>([:])

  /// Makes an empty store.
  public init() {}

  /// Keeps the record, in place of any other of that session. Callable from any task; never fails.
  public func save(_ record: StoredResumption, for session: String) async {
    records.withLock { $0[session] = record }
  }

  /// The record of that session, whatever its age. Callable from any task; never fails.
  public func load(_ session: String) async -> StoredResumption? {
    records.withLock { $0[session] }
  }

  /// Forgets that session. Callable from any task; never fails.
  public func remove(_ session: String) async {
    _ = records.withLock { $0.removeValue(forKey: session) }
  }

  /// The number of sessions that have a record.
  public var count: Int { records.withLock { $0.count } }
}
