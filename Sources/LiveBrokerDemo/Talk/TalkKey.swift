// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker

/// Which key a talk sends.
enum TalkKey {
  static let variable = "GEMINI_API_KEY"
  /// Any key is good for an emulated service.
  static let placeholder = "emulator-key"

  /// The user's key for the real service; at another endpoint the user's, if there is one and it is
  /// not read on its way, and otherwise a placeholder.
  static func key(
    from environment: [String: String], for endpoint: LiveEndpoint?
  ) throws(TalkFailure) -> Secret {
    let own = environment[variable].flatMap { $0.isEmpty ? nil : Secret($0) }
    guard let endpoint else {
      guard let own else { throw missing }
      return own
    }
    guard let own, endpoint.usesTLS || endpoint.isLoopback else { return Secret(placeholder) }
    return own
  }

  private static let missing = TalkFailure(
    .keyMissing,
    "no key: put one into \(variable) (https://aistudio.google.com/apikey gives it), or talk to an "
      + "emulated service: LiveBrokerDemo serve, and LiveBrokerDemo talk --endpoint http://127.0.0.1:8765"
  )
}

extension LiveEndpoint {
  /// Whether what is sent there stays on this host.
  var isLoopback: Bool {
    // A name may begin like an address: only digits and dots make one.
    let isAddress = host.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) }
    return host == "localhost" || host == "::1" || (isAddress && host.hasPrefix("127."))
  }

  /// The address as a person writes it.
  var shown: String {
    let host = host.contains(":") ? "[\(host)]" : host
    return "\(usesTLS ? "https" : "http")://\(host):\(port)\(basePath)"
  }
}

/// Why a talk could not be held.
struct TalkFailure: Error, Equatable, CustomStringConvertible {
  var status: ExitStatus
  var message: String
  /// What there is to tell of it all the same.
  var account: TourSummary?

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  var description: String { message }
}
#endif
