// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization

/// Remembers every handle that the broker was given, and gives none back.
final class NotingStore: ResumptionStore {
  private let noted = Mutex<[Secret]>([])

  /// In the order of saving.
  var handles: [Secret] { noted.withLock { $0 } }

  func save(_ record: StoredResumption, for session: String) async throws {
    noted.withLock { $0.append(record.handle) }
  }

  func load(_ session: String) async throws -> StoredResumption? { nil }

  func remove(_ session: String) async throws {}
}
