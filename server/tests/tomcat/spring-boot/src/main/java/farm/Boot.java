package farm;

import jakarta.servlet.http.HttpSession;
import java.security.Principal;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An app that keeps its sessions in a database, with a sign-in page and the actuator behind a password of its own. */
@SpringBootApplication
@RestController
public class Boot {
    public static void main(String[] arguments) {
        SpringApplication.run(Boot.class, arguments);
    }

    @Bean
    @Order(1)
    SecurityFilterChain actuator(HttpSecurity http) throws Exception {
        return http.securityMatcher("/actuator/**")
            .authorizeHttpRequests(rules -> rules.anyRequest().hasRole("OPS"))
            .httpBasic(Customizer.withDefaults())
            .csrf(csrf -> csrf.disable())
            .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
            .build();
    }

    @Bean
    SecurityFilterChain app(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(rules -> rules.requestMatchers("/visit").permitAll().anyRequest().authenticated())
            .formLogin(Customizer.withDefaults())
            .csrf(csrf -> csrf.disable())
            .build();
    }

    @Bean
    InMemoryUserDetailsManager people() {
        return new InMemoryUserDetailsManager(
            person("alice", "USER"), person("bob", "USER"), person("carol", "USER"), person("ops", "OPS"));
    }

    private static UserDetails person(String name, String role) {
        return User.withUsername(name).password("{noop}" + name + "-Secret").roles(role).build();
    }

    @GetMapping("/who")
    String who(Principal person) {
        return person.getName();
    }

    /** A session of nobody. */
    @GetMapping("/visit")
    String visit(HttpSession session) {
        return session.getId();
    }
}
