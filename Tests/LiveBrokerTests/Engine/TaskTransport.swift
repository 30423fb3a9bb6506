// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import LiveBroker

/// Hides from the engine that the transport below could answer by calls, and spoils dials by order.
final class TaskTransport: LiveTransport {
  private let base: any LiveTransport
  private let spoil: @Sendable (Int) -> TransportError?
  private let count = Atomic(0)

  /// - Parameter spoil: Gives the error of the dial with this number, the first being 0.
  init(
    _ base: any LiveTransport, spoil: @escaping @Sendable (Int) -> TransportError? = { _ in nil }
  ) {
    self.base = base
    self.spoil = spoil
  }

  var dials: Int { count.load(ordering: .relaxed) }

  func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection {
    let (number, _) = count.add(1, ordering: .relaxed)
    if let error = spoil(number) { throw error }
    return try await base.dial(request)
  }
}
